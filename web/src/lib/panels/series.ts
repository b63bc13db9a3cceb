// Rows over time as series: one per value of `by`, or one per value column; empty buckets filled; the long tail in one.
import type { Cell } from '../api/packs';
import type { Table } from './answer';
import { slotsOf } from './slots';
import { columnWords, isAdditive, nameOf, timeOf, toNumber } from './units';

export const MOST_SERIES = 12;
const BUDGET = 'budget_usd';

export interface Series {
  key: string;
  label: string;
  /** One per slot; null: nothing was measured. */
  values: (number | null)[];
  /** The row behind a slot. */
  rows: (Cell[] | null)[];
  total: number;
  /** How many series are summed up in this one; 0: it is one. */
  rest: number;
  /** Its place in the palette. */
  place: number;
}

export interface TimeModel {
  slots: number[];
  /** Of a slot in ms; days differ. */
  seconds: number;
  series: Series[];
  unit: string;
  additive: boolean;
  /** Sums over time and over series say something: lines may be of running totals. */
  summed: boolean;
  /** Series that are not drawn and could not be added up. */
  omitted: number;
  from: number;
  to: number;
}

interface Found {
  label: string;
  /** A row may say that nothing was measured. */
  points: Map<number, { value: number | null; row: Cell[] }>;
  total: number;
}

export function timeModel(table: Table): TimeModel {
  const { panel, answer } = table;
  const x = table.column(panel.x);
  const daily = x?.type === 'date';
  const seconds = daily ? 86_400 : answer.bucket_seconds;
  const unit = table.unit(panel.values[0] ?? '');
  const additive = isAdditive(unit);
  const found = collect(table, x?.type ?? 'time');
  const times = [...found.values()].flatMap(({ points }) => [...points.keys()]);
  const slots = slotsOf(table.from, table.to, seconds, times);
  const empty = additive || panel.visual !== 'line' ? 0 : null;
  // No budget is no line.
  if (found.get(BUDGET)?.total === 0) found.delete(BUDGET);
  const ranked = [...found].sort(([, a], [, b]) => (panel.by ? b.total - a.total : 0));
  const shown = ranked.length > MOST_SERIES ? ranked.slice(0, MOST_SERIES - 1) : ranked;
  const rest = ranked.slice(shown.length);
  const series: Series[] = shown.map(([key, { label, points, total }], place) => ({
    key,
    label,
    values: slots.map((slot) => (points.has(slot) && panel.visual === 'line' ? points.get(slot)!.value : (points.get(slot)?.value ?? empty))),
    rows: slots.map((slot) => points.get(slot)?.row ?? null),
    total,
    rest: 0,
    place,
  }));
  if (rest.length && additive) series.push(summedUp(rest.map(([, one]) => one), slots));
  return { slots, seconds, series, unit, additive, summed: additive && panel.visual !== 'line', omitted: additive ? 0 : rest.length, from: table.from, to: table.to };
}

function collect(table: Table, type: string): Map<string, Found> {
  const { panel } = table;
  const found = new Map<string, Found>();
  const by = table.column(panel.by);
  const take = (key: string, label: string, time: number, value: number, row: Cell[]) => {
    let one = found.get(key);
    if (!one) found.set(key, (one = { label, points: new Map(), total: 0 }));
    const before = one.points.get(time);
    if (Number.isFinite(value)) {
      one.points.set(time, { value: value + (before?.value ?? 0), row });
      one.total += value;
    } else if (!before) one.points.set(time, { value: null, row });
  };
  for (const row of table.rows) {
    const time = timeOf(table.cell(row, panel.x), type);
    if (Number.isNaN(time)) continue;
    for (const name of panel.values) {
      const value = toNumber(table.cell(row, name));
      if (!by) take(name, columnWords(name), time, value, row);
      else {
        const key = nameOf(table.cell(row, panel.by), by);
        take(key, key, time, value, row);
      }
    }
  }
  return found;
}

function summedUp(rest: Found[], slots: number[]): Series {
  const values = slots.map((slot) => rest.reduce((sum, { points }) => sum + (points.get(slot)?.value ?? 0), 0));
  const total = rest.reduce((sum, one) => sum + one.total, 0);
  return { key: '\0other', label: `other (${rest.length})`, values, rows: slots.map(() => null), total, rest: rest.length, place: MOST_SERIES - 1 };
}

/** Values one above the other, the first lowest: tops[series][slot]. */
export function stack(series: Series[], slots: number): number[][] {
  const height = new Array<number>(slots).fill(0);
  return series.map(({ values }) => values.map((value, slot) => (height[slot] = height[slot]! + Math.max(0, value ?? 0))));
}
