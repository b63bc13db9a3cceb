// What a query may name: tables and columns of `pub`, functions, keywords. Asked once.
import { formatBytes, formatCompact } from '../format';
import { run, type Column } from './run';

export interface Schema {
  tables: Map<string, Column[]>;
  functions: { name: string; aggregate: boolean }[];
  /** What a query of the caller's tier may take; empty: not known. */
  limits: string[];
}

export const KEYWORDS =
  'SELECT DISTINCT FROM WHERE PREWHERE GROUP BY HAVING ORDER LIMIT OFFSET WITH AS AND OR NOT IN IS NULL LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END ASC DESC UNION ALL INNER LEFT RIGHT FULL OUTER CROSS ASOF ANY JOIN ON USING ARRAY INTERVAL SECOND MINUTE HOUR DAY WEEK MONTH YEAR TOTALS ROLLUP CUBE FILL STEP OVER PARTITION ROWS RANGE UNBOUNDED PRECEDING FOLLOWING CURRENT ROW FINAL SAMPLE FORMAT SHOW TABLES COLUMNS DESCRIBE TABLE EXISTS TRUE FALSE'.split(' ');

export const EMPTY: Schema = { tables: new Map(), functions: [], limits: [] };

export async function loadSchema(signal: AbortSignal): Promise<Schema> {
  const [columns, functions, settings] = await Promise.all([
    run("SELECT table, name, type FROM system.columns WHERE database = 'pub' ORDER BY table, position", signal),
    run("SELECT name, is_aggregate FROM system.functions WHERE alias_to = '' AND NOT startsWith(name, '__') ORDER BY name", signal),
    run("SELECT name, value FROM system.settings WHERE name IN ('max_execution_time', 'max_rows_to_read', 'max_result_rows', 'max_result_bytes')", signal),
  ]);
  const tables = new Map<string, Column[]>();
  for (const [table = '', name = '', type = ''] of columns.rows) {
    if (!tables.has(table)) tables.set(table, []);
    tables.get(table)!.push({ name, type });
  }
  return { tables, functions: functions.rows.map(([name = '', aggregate]) => ({ name, aggregate: aggregate === '1' })), limits: limitsOf(new Map(settings.rows.map(([name = '', value]) => [name, Number(value)]))) };
}

function limitsOf(settings: Map<string, number>): string[] {
  // 0 is none.
  const say = (name: string, words: (value: number) => string): string[] => (settings.get(name) ? [words(settings.get(name)!)] : []);
  return [
    ...say('max_execution_time', (value) => `${value} s`),
    ...say('max_rows_to_read', (value) => `${formatCompact(value)} rows read`),
    ...say('max_result_rows', (value) => `${formatCompact(value)} rows`),
    ...say('max_result_bytes', (value) => `${formatBytes(value)} answered`),
  ];
}

/** The tables that a query names, by the names it calls them. */
export function tablesIn(text: string, schema: Schema): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, table = '', alias] of text.matchAll(/\b(?:from|join)\s+(?:pub\.)?`?(\w+)`?(?:\s+(?:as\s+)?(?!(?:where|prewhere|group|order|limit|having|join|left|right|inner|full|cross|any|asof|array|on|using|union|final|sample|format|as)\b)(\w+))?/gi)) {
    if (!schema.tables.has(table)) continue;
    found.set(table, table);
    if (alias) found.set(alias, table);
  }
  return found;
}
