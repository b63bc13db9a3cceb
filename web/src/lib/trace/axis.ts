// Time as a place between 0 and 1. People think between two prompts; with `squeeze`, stretches in which nothing happens are narrow.
import { formatClock, formatMillis, formatMinute } from '../format';
import { TICK_STEPS } from '../chart/axis';

export interface Gap {
  from: number;
  to: number;
}
export interface Tick {
  place: number;
  label: string;
}
export interface Axis {
  from: number;
  to: number;
  place(ms: number): number;
  at(place: number): number;
  gaps: Gap[];
  /** Of the whole that is shown, how much is idle. */
  idle: number;
}

interface Interval {
  start: number;
  duration: number;
}

/** A gap is a twentieth of the whole, or longer, and not a blink. */
const LONG = 0.05;
const LEAST_MS = 500;

export function axisOf(items: Interval[], window: { from: number; to: number } | null, squeeze: boolean): Axis {
  let from = Infinity;
  let to = -Infinity;
  for (const { start, duration } of items) {
    from = Math.min(from, start);
    to = Math.max(to, start + duration);
  }
  if (!(from < Infinity)) [from, to] = [0, 1];
  if (to - from < 1) to = from + 1;
  const found = gapsIn(items, from, to);
  const idle = found.reduce((sum, gap) => sum + gap.to - gap.from, 0) / (to - from);
  const gaps = squeeze ? found : [];
  const active = to - from - gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const narrow = Math.max(active, 1) * Math.min(0.03, 0.5 / Math.max(1, gaps.length));
  // Pieces of the way: [time, place] where the slope changes.
  const pieces: [number, number][] = [[from, 0]];
  let place = 0;
  let last = from;
  for (const gap of gaps) {
    place += gap.from - last;
    pieces.push([gap.from, place]);
    place += Math.min(narrow, gap.to - gap.from);
    pieces.push([gap.to, place]);
    last = gap.to;
  }
  place += to - last;
  pieces.push([to, place]);
  const along = (ms: number): number => between(pieces, 0, 1, ms) / place;
  const back = (share: number): number => between(pieces, 1, 0, share * place);
  const [low, high] = window ? [along(window.from), along(window.to)] : [0, 1];
  const width = high - low || 1;
  return {
    from: back(low),
    to: back(high),
    place: (ms) => (along(ms) - low) / width,
    at: (share) => back(low + share * width),
    gaps,
    idle,
  };
}

function gapsIn(items: Interval[], from: number, to: number): Gap[] {
  const sorted = [...items].sort((a, b) => a.start - b.start);
  const least = Math.max(LEAST_MS, (to - from) * LONG);
  const gaps: Gap[] = [];
  let end = from;
  for (const { start, duration } of sorted) {
    if (start - end > least) gaps.push({ from: end, to: start });
    end = Math.max(end, start + duration);
  }
  return gaps;
}

/** Along straight pieces; beyond the ends as if they went on. */
function between(pieces: [number, number][], from: 0 | 1, to: 0 | 1, value: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (pieces[middle]![from] <= value) low = middle;
    else high = middle;
  }
  const [a, b] = [pieces[low]!, pieces[high]!];
  const span = b[from] - a[from];
  return span === 0 ? a[to] : a[to] + ((value - a[from]) / span) * (b[to] - a[to]);
}

const APART_PX = 84;

/** `clock`: the time of day; else what has passed since the beginning. */
export function ticksOf(axis: Axis, width: number, clock: boolean): Tick[] {
  if (width < 40) return [];
  const ticks: Tick[] = [];
  const blocks: Gap[] = [];
  let last = axis.from;
  for (const gap of axis.gaps) {
    if (gap.from > last && gap.from < axis.to) blocks.push({ from: last, to: gap.from });
    last = Math.max(last, gap.to);
  }
  if (last < axis.to) blocks.push({ from: last, to: axis.to });
  const longest = blocks.reduce((best, block) => (block.to - block.from > best.to - best.from ? block : best), blocks[0] ?? { from: 0, to: 1 });
  const perPx = (longest.to - longest.from) / Math.max(1, (axis.place(longest.to) - axis.place(longest.from)) * width);
  const step = [0.001, 0.01, 0.1, 1, 2, 5, ...TICK_STEPS].find((one) => one / perPx >= APART_PX) ?? 365 * 86_400_000;
  const zero = clock ? new Date(axis.from).getTimezoneOffset() * 60_000 : axis.from;
  let used = -Infinity;
  const add = (ms: number) => {
    const place = axis.place(ms);
    if (place * width - used < APART_PX || place < 0 || place * width > width - 24) return;
    used = place * width;
    ticks.push({ place, label: clock ? clockLabel(ms, step) : sinceLabel(ms - zero, step) });
  };
  for (const block of blocks) {
    // Where time has jumped, the next tick says to where.
    if (axis.gaps.length) add(block.from);
    for (let ms = zero + Math.ceil((block.from - zero) / step) * step; ms <= block.to && ticks.length < 100; ms += step) add(ms);
  }
  return ticks;
}

function clockLabel(ms: number, step: number): string {
  const date = new Date(ms);
  return step >= 60_000 ? formatMinute(date) : step >= 1000 ? formatClock(date) : formatMillis(date);
}

function sinceLabel(ms: number, step: number): string {
  const round = (value: number) => String(Math.round(value * 1000) / 1000);
  if (step < 1) return `${round(ms)} ms`;
  if (ms < 1000 && step < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${round(ms / 1000)} s`;
  const minutes = Math.floor(ms / 60_000);
  const rest = Math.round((ms % 60_000) / 1000);
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
