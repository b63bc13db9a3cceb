// Cells as people read them: by the unit of their column.
import type { Cell, Column } from '../api/packs';
import { formatBytes, formatCompact, formatCount, formatDate, formatDay, formatDuration, shorten } from '../format';

const UNITS: Record<string, string> = { usd: 'US dollars', tokens: 'tokens', count: 'count', ratio: 'percent', ms: 'duration', bytes: 'bytes' };
/** What may be added up: a sum of latencies or of shares says nothing. */
const ADDITIVE = new Set(['usd', 'tokens', 'count', 'bytes']);
const NUMERIC = new Set(['integer', 'number', 'decimal']);

export const unitWords = (unit: string): string => UNITS[unit] ?? '';
export const isAdditive = (unit: string): boolean => ADDITIVE.has(unit);
export const isNumeric = (column: Column): boolean => NUMERIC.has(column.type);
export const toNumber = (cell: Cell | undefined): number => (cell === null || cell === undefined || cell === '' ? NaN : Number(cell));

const money = (digits: number) => new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: digits });
const cents = money(2);
const fine = money(4);
const finest = money(6);
const few = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });
const share = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 1 });

/** Fractions of a cent matter where there is little else. */
const formatMoney = (value: number): string => (Math.abs(value) >= 0.1 || value === 0 ? cents : Math.abs(value) >= 0.001 ? fine : finest).format(value);

export function formatValue(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'usd') return formatMoney(value);
  if (unit === 'ratio') return share.format(value);
  if (unit === 'ms') return value === 0 ? '0 ms' : formatDuration(value * 1e6);
  if (unit === 'bytes') return formatBytes(value);
  return Number.isInteger(value) ? formatCount(value) : few.format(value);
}

/** Short, for axes and large figures. */
export function formatShort(value: number, unit: string): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'usd') return Math.abs(value) >= 10_000 ? `$${formatCompact(value)}` : Number.isInteger(value) ? `$${formatCount(value)}` : formatMoney(value);
  if (unit === 'ms') return value === 0 ? '0' : shortDuration(value);
  if (unit === 'ratio' || unit === 'bytes') return formatValue(value, unit);
  return Number.isInteger(value) ? formatCompact(value) : few.format(value);
}

function shortDuration(ms: number): string {
  if (ms < 1000) return `${few.format(ms)} ms`;
  if (ms < 60_000) return `${few.format(ms / 1000)} s`;
  if (ms < 3_600_000) return `${few.format(ms / 60_000)} min`;
  return `${few.format(ms / 3_600_000)} h`;
}

/** `day` columns are days of the reader's own zone, which the question named. */
export function timeOf(cell: Cell | undefined, type: string): number {
  if (typeof cell !== 'string') return NaN;
  return type === 'date' ? new Date(`${cell}T00:00:00`).getTime() : Date.parse(cell);
}

export function formatCell(cell: Cell | undefined, column: Column, unit: string = column.unit): string {
  if (cell === null || cell === undefined || cell === '') return '';
  if (column.type === 'time') return formatDate(timeOf(cell, 'time'));
  if (column.type === 'date') return formatDayOf(timeOf(cell, 'date'));
  if (isNumeric(column)) return formatValue(toNumber(cell), unit);
  if (column.type === 'boolean') return cell ? 'yes' : 'no';
  if (Array.isArray(cell)) return cell.map(String).join(', ');
  if (typeof cell === 'object') return Object.entries(cell).map(([key, value]) => `${key} ${String(value)}`).join(', ');
  return HEX.test(String(cell)) ? shorten(String(cell)) : String(cell);
}

/** Ids and hashes: told apart by their start, and nobody reads them whole. */
const HEX = /^[0-9a-f-]{24,}$/;

function formatDayOf(ms: number): string {
  const date = new Date(ms);
  return date.getFullYear() === new Date().getFullYear() ? formatDay(date) : `${formatDay(date)} ${date.getFullYear()}`;
}

const NAMES: Record<string, string> = { user_id: 'User', session_id: 'Session', trace_id: 'Trace', event_id: 'Event', tool_name: 'Tool', time: 'Time', day: 'Day' };

/** `cost_usd` is "Cost", `p95_ms` "p95", `spent_ratio` "Spent, %", `input_tokens` "Input tokens". */
export function columnWords(name: string): string {
  const known = NAMES[name];
  if (known) return known;
  const text = name.replace(/_ratio$/, ', %').replace(/_(usd|ms|bytes)$/, '').replaceAll('_', ' ');
  return /^p\d+\b/.test(text) ? text : text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** What a category without a name is called. */
export const nameOf = (cell: Cell | undefined, column?: Column): string => (cell === '' || cell === null || cell === undefined ? '(none)' : column ? formatCell(cell, column) : String(cell));
