// A range of whole days in the reader's own zone, as the audit page has it: 30 of them by default, and at most.

export const MOST_DAYS = 30;
const DAY = 86_400_000;

export interface Days {
  /** `2026-05-12`, both included. */
  from: string;
  to: string;
}

export const dayOf = (ms: number): string => {
  const date = new Date(ms);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
};

const startOf = (day: string): Date => new Date(`${day}T00:00:00`);
const isDay = (text: string | null): text is string => text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(startOf(text).getTime());

function shift(day: string, days: number): string {
  const date = startOf(day);
  date.setDate(date.getDate() + days);
  return dayOf(date.getTime());
}

/** What was asked for, cut to what may be shown: the end stands, the start gives way. */
export function daysFrom(from: string | null, to: string | null, now: number): Days & { cut: boolean } {
  const today = dayOf(now);
  const end = isDay(to) ? (to < today ? to : today) : today;
  const earliest = shift(end, -MOST_DAYS);
  if (!isDay(from)) return { from: earliest, to: end, cut: false };
  const start = from > end ? end : from;
  return { from: start < earliest ? earliest : start, to: end, cut: start < earliest };
}

/** For the API: from the first moment of the first day to the last of the last, and no longer than it allows. */
export function toTimes({ from, to }: Days, now: number): { from: string; to: string } {
  const end = Math.min(startOf(shift(to, 1)).getTime(), now + 60_000);
  const start = Math.max(startOf(from).getTime(), end - MOST_DAYS * DAY);
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}
