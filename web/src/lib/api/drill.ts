// What one drills into: sessions, traces, and what arrives at the doors.
import { send, type Params } from './client';
import type { CursorPage } from './control.types';

const V1 = '/api/v1';
const enc = encodeURIComponent;

export interface Tokens {
  input: number;
  output: number;
  cache_read: number;
  cache_creation: number;
}

export interface SessionItem {
  session_id: string;
  source: string;
  user_id: string;
  user_email: string;
  project: string;
  repository: string;
  service: string;
  start: string;
  end: string;
  duration_ms: number;
  active_ms?: number | null;
  prompts: number;
  requests: number;
  tools: number;
  tool_failures: number;
  errors: number;
  edits_accepted?: number | null;
  edits_rejected?: number | null;
  models: string[];
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_creation_tokens: number;
  cost_usd: string;
  has_spans: boolean;
}

export interface Step {
  id: string;
  parent_id: string | null;
  depth: number;
  kind: string;
  name: string;
  time: string;
  duration_ms: number;
  outcome: string;
  model?: string | null;
  tool_name?: string | null;
  tokens?: Tokens | null;
  cost_usd?: string | null;
  event_id: string;
  trace_id?: string | null;
  message?: string | null;
  from: 'span' | 'log';
}

export interface SessionDetail {
  session: SessionItem & { resource?: Record<string, string> };
  steps: Step[];
  truncated: boolean;
}

export interface TraceLog {
  event_id: string;
  time: string;
  event_type: string;
  event_class: string;
  severity: string;
  message: string;
}

export interface TraceSpan {
  event_id: string;
  span_id: string;
  parent_span_id: string;
  depth: number;
  service: string;
  name: string;
  event_type: string;
  event_class: string;
  kind: string;
  time: string;
  offset_ms: number;
  duration_ms: number;
  outcome: string;
  model?: string | null;
  tool_name?: string | null;
  tokens?: Tokens | null;
  cost_usd?: string | null;
  orphan?: boolean;
  children: TraceSpan[];
  logs: TraceLog[];
}

export interface Trace {
  trace_id: string;
  start: string;
  end: string;
  duration_ms: number;
  services: string[];
  session_id: string;
  user_id: string;
  spans_total: number;
  errors: number;
  cost_usd: string;
  truncated: boolean;
  spans: TraceSpan[];
  logs?: TraceLog[];
}

export interface Rejection {
  at: string;
  reason: string;
  message: string;
  count: number;
}

export interface Source {
  door: string;
  name: string;
  signals: string[];
  user_agent: string;
  first_received: string | null;
  last_received: string | null;
  items: number;
  requests: number;
  rejections: Rejection[];
}

export interface Diagnostics {
  since: string;
  sources: Source[];
  sources_forgotten: number;
  /** Null: the database does not answer. */
  stored: { source: string; service: string; events: number; last_received: string }[] | null;
  unpriced_models: { provider: string; model: string; calls: number; tokens: number | null; last_seen: string }[];
  unmapped_event_types: { source: string; event_type: string; count: number; last_seen: string }[];
  hints: string[];
  note: string | null;
}

export const sessions = {
  list: (params: Params, signal?: AbortSignal) => send<CursorPage<SessionItem>>(`${V1}/sessions`, { params, signal }),
  get: (id: string, signal?: AbortSignal) => send<SessionDetail>(`${V1}/sessions/${enc(id)}`, { signal }),
};

export const fetchTrace = (id: string, signal?: AbortSignal) => send<Trace>(`${V1}/traces/${enc(id)}`, { signal });

export const fetchValues = (field: string, params: Params = {}, signal?: AbortSignal) =>
  send<{ items: { value: string; events: number }[] }>(`${V1}/values`, { params: { field, ...params }, signal });

export const fetchDiagnostics = (signal?: AbortSignal) => send<Diagnostics>(`${V1}/diagnostics`, { signal });
