// The whole state of the page as one value, and its two-way mapping to the URL. Nothing that matters lives elsewhere.
import { isClass, type EventClass, CLASSES } from './classes';
import { PRESETS, type Preset, type Range } from './range';

/** Columns that filter by exact value; each is a parameter of the API under the same name. */
export const FILTERS = [
  'source', 'user_id', 'session_id', 'model', 'event_type', 'trace_id', 'project', 'outcome', 'severity',
  'service', 'repository', 'provider', 'tool_name', 'environment', 'feature', 'error_type', 'target_type', 'target_id',
] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Partial<Record<FilterName, string>>;

export interface View {
  range: Range;
  hidden: EventClass[];
  q: string;
  filters: Filters;
  /** The event whose panel is open. */
  selected: string | null;
}

export const isFilter = (name: string): name is FilterName => (FILTERS as readonly string[]).includes(name);

const DEFAULT_PRESET: Preset = '1h';

export function parseView(search: string): View {
  const params = new URLSearchParams(search);
  const filters: Filters = {};
  for (const name of FILTERS) {
    const value = params.get(name);
    if (value) filters[name] = value;
  }
  return {
    range: parseRange(params),
    hidden: hiddenBy(params),
    q: params.get('q') ?? '',
    filters,
    selected: params.get('id'),
  };
}

/** Links may name the one class to show. */
function hiddenBy(params: URLSearchParams): EventClass[] {
  const only = params.get('event_class');
  if (only && isClass(only)) return CLASSES.filter((name) => name !== only);
  return (params.get('hide') ?? '').split(',').filter(isClass);
}

export function viewToSearch(view: View): string {
  const params = new URLSearchParams();
  if (view.range.kind === 'fixed') {
    params.set('from', iso(view.range.from));
    params.set('to', iso(view.range.to));
  } else {
    if (view.range.preset !== DEFAULT_PRESET) params.set('range', view.range.preset);
    if (view.range.at !== null) params.set('at', iso(view.range.at));
  }
  if (view.hidden.length) params.set('hide', view.hidden.join(','));
  if (view.q) params.set('q', view.q);
  for (const name of FILTERS) if (view.filters[name]) params.set(name, view.filters[name]);
  if (view.selected) params.set('id', view.selected);
  // Commas and colons are legal in a query, and readable; percent signs are neither needed nor nice to share.
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text ? `?${text}` : '';
}

/** What the API is asked for. Solo of one class is asked of the server, so that sampling does not starve it. */
export function apiFilters(view: View): Record<string, string> {
  const params: Record<string, string> = { ...view.filters };
  if (view.q.trim()) params.q = view.q.trim();
  const visible = CLASSES.filter((name) => !view.hidden.includes(name));
  if (visible.length === 1) params.class = visible[0]!;
  return params;
}

function parseRange(params: URLSearchParams): Range {
  const from = Date.parse(params.get('from') ?? '');
  const to = Date.parse(params.get('to') ?? '');
  if (from < to) return { kind: 'fixed', from, to };
  const asked = params.get('range') as Preset;
  const at = Date.parse(params.get('at') ?? '');
  return {
    kind: 'sliding',
    preset: PRESETS.includes(asked) ? asked : DEFAULT_PRESET,
    at: Number.isNaN(at) ? null : at,
  };
}

export const iso = (ms: number): string => new Date(ms).toISOString();
