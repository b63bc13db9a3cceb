// From a figure to the events behind it: the panel's drill-down address, with the row's values and the time of its bucket.
import type { Cell } from '../api/packs';
import { FILTERS } from '../model/view';
import type { Table } from './answer';
import { next } from './slots';
import { timeOf } from './units';

/** Around a single instant. */
const AROUND_MS = 60_000;
const FEED_FILTERS: readonly string[] = FILTERS;

/** Null: there is nothing to go to. `filters`: those of the page, which hold there as well. */
export function drillTo(table: Table, row: Cell[] | null, filters: Record<string, string>): string | null {
  const { panel } = table;
  if (!panel.drill_down || !row) return null;
  const [path = '', query = ''] = panel.drill_down.split('?', 2);
  const place = fill(table, row, path, encodeURIComponent);
  if (place === null) return eventOf(table, row);
  const params = new URLSearchParams();
  for (const [name, template] of new URLSearchParams(query)) {
    const value = fill(table, row, template, String);
    // An empty value would be no filter at all.
    if (value) params.set(name, value);
  }
  if (place === '/' || place === '/sessions') {
    const { from, to } = spanOf(table, row);
    if (!params.has('from')) params.set('from', new Date(from).toISOString());
    if (!params.has('to')) params.set('to', new Date(to).toISOString());
    for (const name of panel.filters) if (filters[name] && FEED_FILTERS.includes(name) && !params.has(name)) params.set(name, filters[name]);
  }
  const text = params.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return place + (text ? `?${text}` : '');
}

/** Where a row has no trace or session to go to, but is an event: that one. */
function eventOf(table: Table, row: Cell[]): string | null {
  const event = table.cell(row, 'event_id');
  if (typeof event !== 'string' || event === '') return null;
  const { from, to } = spanOf(table, row);
  return `/?from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}&id=${event}`;
}

function fill(table: Table, row: Cell[], template: string, encode: (text: string) => string): string | null {
  let missing = false;
  const text = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const cell = table.cell(row, name);
    if (cell === undefined || cell === null || cell === '') missing = true;
    return missing ? '' : encode(String(cell));
  });
  return missing ? null : text;
}

/** The row's bucket or day, cut to the range; an instant with a minute around it; else the whole range. */
function spanOf(table: Table, row: Cell[]): { from: number; to: number } {
  const { from, to, panel } = table;
  const whole = { from, to };
  const named = [panel.x, 'time', 'day'].find((name) => ['time', 'date'].includes(table.column(name)?.type ?? ''));
  const column = table.column(named);
  if (!named || !column) return whole;
  const start = timeOf(table.cell(row, named), column.type);
  if (Number.isNaN(start)) return whole;
  const cut = (a: number, b: number) => (Math.min(b, to) > Math.max(a, from) ? { from: Math.max(a, from), to: Math.min(b, to) } : { from: a, to: b });
  if (column.type === 'date') return cut(start, next(start, 86_400));
  const seconds = table.answer.bucket_seconds;
  const bucketed = ['line', 'area', 'columns'].includes(panel.visual) || (named !== panel.x && isBucket(start, seconds));
  if (bucketed) return cut(start, next(start, seconds));
  return { from: start - AROUND_MS, to: start + AROUND_MS };
}

function isBucket(ms: number, seconds: number): boolean {
  const midnight = new Date(ms).setHours(0, 0, 0, 0);
  return seconds > 0 && (ms - midnight) % (Math.min(seconds, 86_400) * 1000) === 0;
}
