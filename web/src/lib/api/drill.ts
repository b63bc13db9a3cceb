// What one drills into: sessions, traces, and what arrives at the doors.
import { send, type Params } from './client';
import type { components } from './openapi';

const V1 = '/api/v1';
const enc = encodeURIComponent;

type Schemas = components['schemas'];

export type Tokens = Schemas['Tokens'];
export type SessionItem = Schemas['Session'];
export type SessionDetail = Schemas['Interaction'];
export type Step = Schemas['Step'];
export type Trace = Schemas['Trace'];
export type TraceSpan = Schemas['Span'];
export type TraceLog = Schemas['Log'];

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
  list: (params: Params, signal?: AbortSignal) => send<Schemas['Sessions']>(`${V1}/sessions`, { params, signal }),
  get: (id: string, signal?: AbortSignal) => send<SessionDetail>(`${V1}/sessions/${enc(id)}`, { signal }),
};

export const fetchTrace = (id: string, signal?: AbortSignal) => send<Trace>(`${V1}/traces/${enc(id)}`, { signal });

export const fetchDiagnostics = (signal?: AbortSignal) => send<Diagnostics>(`${V1}/diagnostics`, { signal });
