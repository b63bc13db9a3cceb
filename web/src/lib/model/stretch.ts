// The time range of a list in its address: `range=7d` up to now, or `from` and `to`.
export const STRETCHES = [
  { value: '24h', text: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', text: 'Last 7 days', ms: 7 * 86_400_000 },
  { value: '30d', text: 'Last 30 days', ms: 30 * 86_400_000 },
  { value: '90d', text: 'Last 90 days', ms: 90 * 86_400_000 },
] as const;

export const USUAL = '7d';

export interface Stretch {
  /** Empty: from and to are given. */
  preset: string;
  from: string;
  to: string;
}

export function stretchOf(params: URLSearchParams, now: number): Stretch {
  const [from, to] = [Date.parse(params.get('from') ?? ''), Date.parse(params.get('to') ?? '')];
  if (from < to) return { preset: '', from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const asked = STRETCHES.find(({ value }) => value === params.get('range')) ?? STRETCHES.find(({ value }) => value === USUAL)!;
  return { preset: asked.value, from: new Date(now - asked.ms).toISOString(), to: new Date(now).toISOString() };
}
