// How the panel groups an event's typed columns, and how each value reads. Columns that no group names appear under "Other".
import type { EventDetail } from '../api/types';
import { formatCost, formatCount, formatDuration } from '../format';

export interface Field {
  column: string;
  value: string;
  /** The same value for people, where it differs. */
  text: string;
}

export interface Group {
  title: string;
  fields: Field[];
}

const GROUPS: [title: string, columns: string[]][] = [
  ['What', ['event_type', 'event_class', 'outcome', 'severity', 'kind', 'source', 'target_type', 'target_id', 'status_code', 'error_type']],
  ['When', ['timestamp', 'received_at', 'duration_ns']],
  ['Who and where', ['user_id', 'user_email', 'session_id', 'correlation_id', 'project', 'repository', 'environment', 'service', 'source_ip', 'tenant_id']],
  [
    'AI',
    [
      'provider', 'model', 'operation', 'feature', 'tool_name',
      'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_creation_tokens', 'cache_creation_1h_tokens', 'reasoning_tokens',
      'cache_known', 'cost_usd', 'cost_reported_usd', 'cost_computed_usd', 'cost_origin', 'price_version', 'usage_role', 'usage_key',
    ],
  ],
  ['Trace', ['trace_id', 'span_id', 'parent_span_id']],
];

/** Shown elsewhere in the panel: the title line and the two tables of their own. */
const ELSEWHERE = new Set(['id', 'event_id', 'message', 'attributes', 'resource']);

export function groupFields(event: EventDetail): Group[] {
  const named = new Set(GROUPS.flatMap(([, columns]) => columns));
  const other = Object.keys(event).filter((column) => !named.has(column) && !ELSEWHERE.has(column));
  return [...GROUPS, ['Other', other.sort()] as const].flatMap(([title, columns]) => {
    const fields = columns.flatMap((column) => field(column, event[column]));
    return fields.length ? [{ title, fields }] : [];
  });
}

function field(column: string, raw: unknown): Field[] {
  if (raw === undefined || raw === null || raw === '') return [];
  const value = typeof raw === 'object' ? JSON.stringify(raw) : String(raw);
  return [{ column, value, text: readable(column, raw, value) }];
}

function readable(column: string, raw: unknown, value: string): string {
  if (column === 'duration_ns') return formatDuration(Number(raw));
  if (column.endsWith('_usd')) return formatCost(value);
  if (column.endsWith('_tokens')) return formatCount(Number(raw));
  return value;
}
