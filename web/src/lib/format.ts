// Numbers and times as people read them. Money stays text from end to end.

const count = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export const formatCount = (value: number): string => count.format(value);
/** 1.2 M; exact below ten thousand, where the digits still fit. */
export const formatCompact = (value: number): string =>
  value < 10_000 ? count.format(value) : compact.format(value).replace(/([KMBT])$/, ' $1').replace('K', 'k');

/** "0.012340000" -> "$0.01234": digits are only cut where they are zeros. */
export function formatCost(decimal: string): string {
  const sign = decimal.startsWith('-') ? '-' : '';
  const [whole = '0', fraction = ''] = decimal.replace(/^[-+]/, '').split('.');
  const digits = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${sign}$${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${digits}`;
}

export function formatDuration(ns: number): string {
  const ms = ns / 1e6;
  if (ms < 1) return `${Math.max(1, Math.round(ns / 1e3))} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

const two = (value: number): string => String(value).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const formatClock = (date: Date): string =>
  `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
export const formatMinute = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}`;
export const formatDay = (date: Date): string => `${date.getDate()} ${MONTHS[date.getMonth()]}`;
export const formatMillis = (date: Date): string =>
  `${formatClock(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;

/** Local time; the day only when it is not today. */
export function formatTime(ms: number, today = new Date()): string {
  const date = new Date(ms);
  const sameDay = date.toDateString() === today.toDateString();
  return sameDay ? formatMillis(date) : `${formatDay(date)} ${formatMillis(date)}`;
}

export function formatAgo(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Ids and hashes are told apart by their start; the whole value is in the panel. */
export const shorten = (value: string, length = 12): string =>
  value.length > length + 2 ? `${value.slice(0, length)}…` : value;

export function tokensOf(item: { [column: string]: unknown }): number {
  const columns = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens'];
  return columns.reduce((sum, column) => sum + Number(item[column] ?? 0), 0);
}

/** Local, to the minute, for things that are rather old: the year only where it is another one. */
export function formatDate(ms: number, today = new Date()): string {
  const date = new Date(ms);
  if (date.toDateString() === today.toDateString()) return `today ${formatMinute(date)}`;
  const year = date.getFullYear() === today.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${formatDay(date)}${year} ${formatMinute(date)}`;
}

/** Local, to the second, for lists whose rows may be of any day. */
export function formatStamp(ms: number, today = new Date()): string {
  const date = new Date(ms);
  const year = date.getFullYear() === today.getFullYear() ? '' : ` ${date.getFullYear()}`;
  return `${formatDay(date)}${year} ${formatClock(date)}`;
}

/** 1.5 GiB; powers of 1024, as the configuration has them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0;
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${units[power]}`;
}
