// Which stretch of time is shown. `sliding` ends at NOW; frozen by a pause it ends at `at`; `fixed` is a zoom or a custom range.

export type Range =
  | { kind: 'sliding'; preset: Preset; at: number | null }
  | { kind: 'fixed'; from: number; to: number };

export const PRESETS = ['5m', '15m', '1h', '6h', '24h', '7d'] as const;
export type Preset = (typeof PRESETS)[number];

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const PRESET_MS: Record<Preset, number> = {
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '1h': HOUR,
  '6h': 6 * HOUR,
  '24h': DAY,
  '7d': 7 * DAY,
};

const PRESET_NAMES: Record<Preset, string> = {
  '5m': 'last 5 minutes',
  '15m': 'last 15 minutes',
  '1h': 'last hour',
  '6h': 'last 6 hours',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
};

/** The buckets that the timeline endpoint offers. */
const BUCKETS = [
  { name: '1s', ms: SECOND },
  { name: '10s', ms: 10 * SECOND },
  { name: '1m', ms: MINUTE },
  { name: '5m', ms: 5 * MINUTE },
  { name: '15m', ms: 15 * MINUTE },
  { name: '1h', ms: HOUR },
  { name: '1d', ms: DAY },
];
const MAX_BARS = 180;
const SHORTEST_MS = 200;

export interface Span {
  from: number;
  to: number;
}

export function spanOf(range: Range, now: number): Span {
  if (range.kind === 'fixed') return { from: range.from, to: range.to };
  const to = range.at ?? now;
  return { from: to - PRESET_MS[range.preset], to };
}

export const isLive = (range: Range): boolean => range.kind === 'sliding' && range.at === null;

export function bucketFor(span: Span): { name: string; ms: number } {
  return BUCKETS.find((bucket) => (span.to - span.from) / bucket.ms <= MAX_BARS) ?? BUCKETS[BUCKETS.length - 1]!;
}

/** A drag of a few pixels in a deep zoom would ask for an empty instant; keep a readable minimum around its middle. */
export function fixedRange(from: number, to: number): Range {
  const [low, high] = from < to ? [from, to] : [to, from];
  if (high - low >= SHORTEST_MS) return { kind: 'fixed', from: low, to: high };
  const middle = (low + high) / 2;
  return { kind: 'fixed', from: middle - SHORTEST_MS / 2, to: middle + SHORTEST_MS / 2 };
}

export function describeRange(range: Range): string {
  if (range.kind === 'sliding') return PRESET_NAMES[range.preset];
  return `in ${describeLength(range.to - range.from)}`;
}

export function describeLength(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 2 * MINUTE) return `${trim(ms / SECOND)} s`;
  if (ms < 2 * HOUR) return `${trim(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return `${trim(ms / HOUR)} h`;
  return `${trim(ms / DAY)} d`;
}

const trim = (value: number): string => String(Math.round(value * 10) / 10);
