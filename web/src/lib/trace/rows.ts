// What a waterfall shows, whichever of a session's steps and a trace's spans it is made of: one row each, in the order of the tree.
import type { Step, Tokens, TraceSpan } from '../api/drill';
import { formatCompact, formatCost, formatDuration } from '../format';
import { CLASSES, classIndex, type EventClass } from '../model/classes';

export interface Row {
  id: string;
  /** What the side panel shows. */
  eventId: string;
  parent: string | null;
  depth: number;
  children: number;
  /** In a word, beside the mark: colour is never the only signal. */
  word: string;
  name: string;
  tone: EventClass;
  /** Of the bar, where it says more than the class: the service. */
  colour: string | null;
  service: string;
  start: number;
  duration: number;
  failed: boolean;
  /** Tokens and cost. */
  note: string;
  logs: number;
  /** Its parent is not among those that came. */
  orphan: boolean;
}

const KINDS: Record<string, [string, EventClass]> = {
  prompt: ['prompt', 'session'],
  model: ['model', 'llm'],
  tool: ['tool', 'tool'],
  hook: ['hook', 'code'],
  agent: ['agent', 'work'],
  error: ['error', 'error'],
};

export const FAILED = new Set(['failure', 'error', 'fail', 'failed', 'deny', 'denied', 'rejected', 'timeout']);

function note(tokens: Tokens | null | undefined, cost: string | null | undefined): string {
  const sum = tokens ? tokens.input + tokens.output + tokens.cache_read + tokens.cache_creation : 0;
  return [sum ? `${formatCompact(sum)} tokens` : '', cost && Number(cost) !== 0 ? formatCost(cost) : ''].filter(Boolean).join(' · ');
}

export const durationText = (ms: number): string => (ms > 0 ? formatDuration(ms * 1e6) : '');

export function rowsOfSteps(steps: Step[]): Row[] {
  const known = new Set(steps.map(({ id }) => id));
  const children = new Map<string | null, Step[]>();
  for (const step of steps) {
    const above = step.parent_id ?? null;
    const parent = above !== null && known.has(above) && above !== step.id ? above : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(step);
    else children.set(parent, [step]);
  }
  return walk(children.get(null) ?? [], (step) => children.get(step.id) ?? [], (step, parent, depth, count) => {
    const [word, tone] = KINDS[step.kind] ?? ['step', 'app'];
    const failed = step.kind === 'error' || FAILED.has(step.outcome);
    return {
      id: step.id, eventId: step.event_id, parent, depth, children: count,
      word, tone, colour: null, service: '',
      name: step.tool_name || step.model || (step.kind === 'prompt' && step.message) || step.name,
      start: Date.parse(step.time), duration: Math.max(0, step.duration_ms || 0), failed,
      note: note(step.tokens, step.cost_usd), logs: 0, orphan: false,
    };
  });
}

/** Far apart for all eyes; without the colour of errors. */
const SERVICE_COLOURS = ['query', 'tool', 'session', 'llm', 'work', 'deploy', 'build', 'ingest', 'app', 'audit'] as const;
export const serviceColour = (services: string[], service: string): string => SERVICE_COLOURS[Math.max(0, services.indexOf(service)) % SERVICE_COLOURS.length]!;

export function rowsOfSpans(spans: TraceSpan[], services: string[]): Row[] {
  return walk(spans, (span) => span.children, (span, parent, depth, count) => ({
    id: span.span_id, eventId: span.event_id, parent, depth, children: count,
    word: span.event_class, tone: CLASSES[classIndex(span.event_class)]!,
    colour: serviceColour(services, span.service), service: span.service,
    name: span.name || span.event_type,
    start: Date.parse(span.time), duration: Math.max(0, span.duration_ms || 0),
    failed: span.event_class === 'error' || FAILED.has(span.outcome),
    note: note(span.tokens, span.cost_usd), logs: span.logs?.length ?? 0, orphan: span.orphan === true,
  }));
}

/** By hand, since a trace may be deeper than the stack. */
function walk<T>(roots: T[], below: (item: T) => T[], row: (item: T, parent: string | null, depth: number, children: number) => Row): Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  const stack = [...roots].reverse().map((item) => ({ item, parent: null as string | null, depth: 0 }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const children = below(next.item);
    const made = row(next.item, next.parent, next.depth, children.length);
    // Two senders may have used one id: each row still needs its own.
    while (seen.has(made.id)) made.id += "'";
    seen.add(made.id);
    rows.push(made);
    const depth = next.depth + 1;
    for (let at = children.length - 1; at >= 0; at--) stack.push({ item: children[at]!, parent: made.id, depth });
  }
  return rows;
}

/** Without what lies below a folded row; `only`: rows to keep, with those above them. */
export function visibleRows(rows: Row[], folded: ReadonlySet<string>, only: ReadonlySet<string> | null): Row[] {
  const shown: Row[] = [];
  let hiddenBelow = Infinity;
  for (const row of rows) {
    if (row.depth > hiddenBelow) continue;
    hiddenBelow = Infinity;
    if (only && !only.has(row.id)) continue;
    shown.push(row);
    if (!only && folded.has(row.id)) hiddenBelow = row.depth;
  }
  return shown;
}

export function matching(rows: Row[], q: string): Set<string> | null {
  const wanted = q.trim().toLowerCase();
  if (!wanted) return null;
  const byId = new Map(rows.map((row) => [row.id, row]));
  const found = new Set<string>();
  for (const row of rows) {
    if (!`${row.name} ${row.word} ${row.service} ${row.failed ? 'failed' : ''}`.toLowerCase().includes(wanted)) continue;
    for (let at: Row | undefined = row; at && !found.has(at.id); at = at.parent === null ? undefined : byId.get(at.parent)) found.add(at.id);
  }
  return found;
}
