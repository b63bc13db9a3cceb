// The rows of an answer as series of a chart.
import { NULL, type Result } from './run';
import { instantOf, sortOf, type Picks } from './types';

export interface Series {
  name: string;
  /** One value per x; null: no row. */
  values: (number | null)[];
}

export interface Plotted {
  /** Milliseconds, numbers, or places of `labels`. */
  xs: number[];
  labels: string[] | null;
  time: boolean;
  series: Series[];
  /** Series or categories beyond those drawn, which are not. */
  left: number;
}

export const MOST_SERIES = 8;
/** A bar of less than a pixel says nothing. */
export const MOST_POINTS = 1000;
export const MOST_BARS = 60;

export function plotOf(result: Result, picks: Picks): Plotted | null {
  const at = (name: string) => result.columns.findIndex((column) => column.name === name);
  const [xAt, yAt, seriesAt] = [at(picks.x), at(picks.y), at(picks.series)];
  if (xAt < 0 || yAt < 0) return null;
  const sort = picks.kind === 'bars' ? 'text' : sortOf(result.columns[xAt]!.type);
  const labels: string[] = [];
  const places = new Map<string, number>();
  const byName = new Map<string, Map<string, number>>();
  for (const row of result.rows) {
    const x = row[xAt]!;
    const y = Number(row[yAt]);
    if (row[yAt] === NULL || !Number.isFinite(y) || (x === NULL && sort !== 'text')) continue;
    if (!places.has(x)) places.set(x, labels.push(x) - 1);
    const name = seriesAt < 0 ? picks.y : row[seriesAt]! || '(empty)';
    const points = byName.get(name) ?? new Map<string, number>();
    // Rows that differ only in columns that are not drawn add up.
    points.set(x, (points.get(x) ?? 0) + y);
    byName.set(name, points);
  }
  const ordered = sort === 'text' ? labels : [...labels].sort((a, b) => numberOf(a, sort) - numberOf(b, sort));
  const shown = ordered.slice(0, picks.kind === 'bars' ? MOST_BARS : MOST_POINTS);
  const total = (points: Map<string, number>) => [...points.values()].reduce((sum, value) => sum + Math.abs(value), 0);
  const names = [...byName].sort(([, a], [, b]) => total(b) - total(a));
  return {
    xs: shown.map((x, index) => (sort === 'text' ? index : numberOf(x, sort))),
    labels: sort === 'text' ? shown.map((label) => label || '(empty)') : null,
    time: sort === 'time',
    series: names.slice(0, MOST_SERIES).map(([name, points]) => ({ name, values: shown.map((x) => points.get(x) ?? null) })),
    left: Math.max(0, names.length - MOST_SERIES) + (ordered.length - shown.length),
  };
}

const numberOf = (text: string, sort: 'number' | 'time' | 'text'): number => (sort === 'time' ? instantOf(text) : Number(text));

/** Round numbers from 0 or the least to the most. */
export function ticks(low: number, high: number, about: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9) * step;
  const found: number[] = [];
  for (let at = first; at <= high + step * 1e-6 && found.length < 50; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}

const SHORT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 4 });
const LONG = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 12 });
export const shortNumber = (value: number): string => SHORT.format(value);
export const longNumber = (value: number): string => LONG.format(value);
