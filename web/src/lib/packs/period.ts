// The range of a pack's page: a preset that ends now, or two instants. It lives in the URL.
import { formatDate, formatDay, formatMinute } from '../format';

export const PERIODS = ['24h', '7d', '30d', '90d', 'month'] as const;
export type PeriodName = (typeof PERIODS)[number];

export type Period = { kind: 'preset'; name: PeriodName } | { kind: 'fixed'; from: number; to: number };

export const DEFAULT_PERIOD: PeriodName = '30d';
export const PERIOD_WORDS: Record<PeriodName, string> = {
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  month: 'This month so far',
};
export const PERIOD_LABELS: Record<PeriodName, string> = { '24h': '24h', '7d': '7d', '30d': '30d', '90d': '90d', month: 'Month' };

const HOUR = 3_600_000;
const MINUTE = 60_000;
const HOURS: Record<Exclude<PeriodName, 'month'>, number> = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24, '90d': 90 * 24 };

export const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

export function parsePeriod(params: URLSearchParams): Period {
  const from = Date.parse(params.get('from') ?? '');
  const to = Date.parse(params.get('to') ?? '');
  if (from < to) return { kind: 'fixed', from, to };
  const asked = params.get('range') as PeriodName;
  return { kind: 'preset', name: PERIODS.includes(asked) ? asked : DEFAULT_PERIOD };
}

/** To the next full minute, so that panels which ask within it share an answer's range. */
export function spanOfPeriod(period: Period, now: number): { from: number; to: number } {
  if (period.kind === 'fixed') return { from: period.from, to: period.to };
  const to = Math.ceil(now / MINUTE) * MINUTE;
  if (period.name === 'month') {
    const date = new Date(now);
    return { from: new Date(date.getFullYear(), date.getMonth(), 1).getTime(), to };
  }
  return { from: to - HOURS[period.name] * HOUR, to };
}

export function describeSpan(from: number, to: number): string {
  const a = new Date(from);
  const b = new Date(to);
  if (a.toDateString() === b.toDateString()) return `${formatDate(from)} – ${formatMinute(b)}`;
  const long = to - from > 3 * 24 * HOUR;
  const year = a.getFullYear() === b.getFullYear() ? '' : ` ${a.getFullYear()}`;
  return long ? `${formatDay(a)}${year} – ${formatDay(b)}${year && ` ${b.getFullYear()}`}` : `${formatDate(from)} – ${formatDate(to)}`;
}

/** A bucket by its length: a day by its name, less by its hours. */
export function describeSlot(start: number, seconds: number): string {
  const date = new Date(start);
  if (seconds >= 86_400) return formatDay(date);
  return `${formatDate(start)} – ${formatMinute(new Date(start + seconds * 1000))}`;
}

const LENGTHS: [number, string][] = [
  [86_400, 'per day'], [21_600, 'per 6 h'], [3600, 'per hour'], [900, 'per 15 min'], [300, 'per 5 min'], [60, 'per minute'],
];
export function describeBucket(seconds: number): string {
  const known = LENGTHS.find(([length]) => length === seconds)?.[1];
  if (known) return known;
  return seconds % 86_400 === 0 ? `per ${seconds / 86_400} d` : seconds % 3600 === 0 ? `per ${seconds / 3600} h` : `per ${seconds} s`;
}
