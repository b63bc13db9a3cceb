// Axes: round steps for values, and for times ticks that fall on local hours, midnights and firsts of months.
import { TICK_STEPS, tickLabels } from '../chart/axis';
import { floorTo } from './slots';

export interface Tick {
  at: number;
  label: string;
}

const DAY = 86_400_000;
const STEPS = [1, 2, 2.5, 5, 10];
const BINARY = 1024;
/** Room for a label. */
const SPACE = 76;

/** From zero to a round value at or above `max`. */
export function valueSteps(max: number, most: number, unit: string): number[] {
  if (!(max > 0)) return [0, 1];
  const base = unit === 'bytes' ? BINARY ** Math.floor(Math.log(max / most) / Math.log(BINARY)) : 1;
  const raw = max / base / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const found = STEPS.find((step) => step * power >= raw && !(isWhole(unit) && step * power * base < 1))! * power;
  const step = (isWhole(unit) ? Math.max(1, found) : found) * base;
  const count = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const isWhole = (unit: string): boolean => unit === 'count' || unit === 'tokens';

/** `least`: days have no hours to show. */
export function timeTicks(from: number, to: number, width: number, least = 0): Tick[] {
  const wanted = Math.max(least, (to - from) / Math.max(1, Math.floor(width / SPACE)));
  const step = TICK_STEPS.find((one) => one >= wanted) ?? TICK_STEPS[TICK_STEPS.length - 1]!;
  const times = step >= DAY ? dayTicks(from, to, Math.round(step / DAY)) : plainTicks(from, to, step);
  const labels = tickLabels(times, step);
  return times.map((at, index) => ({ at, label: labels[index]! }));
}

function plainTicks(from: number, to: number, step: number): number[] {
  const first = floorTo(from, step / 1000);
  const times: number[] = [];
  for (let at = first < from ? first + step : first; at <= to; at += step) times.push(at);
  return times;
}

/** Counted back from the newest midnight, so that today's stands. */
function dayTicks(from: number, to: number, days: number): number[] {
  const date = new Date(new Date(to - 1).setHours(0, 0, 0, 0));
  const times: number[] = [];
  for (; date.getTime() >= from; date.setDate(date.getDate() - days)) times.unshift(date.getTime());
  return times;
}
