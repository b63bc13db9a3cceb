// Steps of a session as bars below each other, parents above their children.
import type { Cell } from '../api/packs';
import type { Table } from './answer';
import { timeOf, toNumber } from './units';

export interface Step {
  id: string;
  depth: number;
  time: number;
  duration: number;
  kind: string;
  name: string;
  failed: boolean;
  row: Cell[];
  /** In percent of the whole. */
  left: number;
  width: number;
}

const FAILED = new Set(['error', 'failure', 'failed', 'fail']);

export function waterfallModel(table: Table): { steps: Step[]; total: number } {
  const text = (row: Cell[], name: string) => String(table.cell(row, name) ?? '');
  const found = table.rows.map((row) => ({
    id: text(row, 'id'),
    parent: text(row, 'parent_id'),
    time: timeOf(table.cell(row, 'time'), 'time'),
    duration: Math.max(0, toNumber(table.cell(row, 'duration_ms')) || 0),
    kind: text(row, 'kind'),
    name: text(row, 'name'),
    failed: FAILED.has(text(row, 'outcome')),
    row,
  }));
  const start = Math.min(...found.map(({ time }) => time));
  const end = Math.max(...found.map(({ time, duration }) => time + duration));
  const total = Math.max(1, end - start);
  const known = new Set(found.map(({ id }) => id));
  const children = new Map<string, typeof found>();
  for (const one of found) {
    const parent = known.has(one.parent) && one.parent !== one.id ? one.parent : '';
    children.set(parent, [...(children.get(parent) ?? []), one]);
  }
  const steps: Step[] = [];
  const seen = new Set<string>();
  const walk = (parent: string, depth: number) => {
    for (const one of (children.get(parent) ?? []).sort((a, b) => a.time - b.time)) {
      if (one.id && seen.has(one.id)) continue;
      seen.add(one.id);
      steps.push({ ...one, depth, left: ((one.time - start) / total) * 100, width: (one.duration / total) * 100 });
      if (one.id && depth < 32) walk(one.id, depth + 1);
    }
  };
  walk('', 0);
  return { steps, total };
}

/** A hue for a kind of step; the class tokens say the same elsewhere. */
const KINDS: Record<string, string> = { prompt: 'session', interaction: 'session', model: 'llm', llm: 'llm', tool: 'tool', hook: 'code', agent: 'query', error: 'error' };
export const classOf = (step: Step): string => (step.failed ? 'error' : (KINDS[step.kind] ?? 'app'));
