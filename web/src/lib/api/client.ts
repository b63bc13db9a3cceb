// The one place that talks to the server: sends what the session needs with each request, and turns a failed answer into an ApiError.
import type { EventDetail, EventPage, Me, Points, Problem, Timeline } from './types';

export type Params = Record<string, string | number | undefined>;

/** `status` 0 means that nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** Seconds, as `Retry-After` asks; 0: it does not. */
    readonly retryAfter = 0,
    /** Members of the problem beyond the usual ones. */
    readonly extra: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }

  /** Worth trying again by itself: nobody answered, or the server said "later". */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** What goes with every request; lib/session.svelte.ts keeps it. */
export const sending = {
  csrf: '',
  /** The tenant that a platform admin acts in; empty: one's own. */
  tenant: '',
  /** The server does not know who asks. */
  onUnknownCaller: () => {},
};

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  params?: Params;
  body?: unknown;
  signal?: AbortSignal;
  /** A 401 says something about the request, not about the session: a wrong password. */
  mayBeUnknown?: boolean;
}

export function query(params: Params): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

/** Server time minus local time in ms, from the last answer's Date header; see clock.ts. */
export let serverOffset = 0;

/** The answer of a request that succeeded. */
export async function fetchResponse(path: string, { method = 'GET', params = {}, body, signal, mayBeUnknown = false }: Request = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && sending.csrf) headers['x-csrf-token'] = sending.csrf;
  if (sending.tenant) headers['x-activitylog-tenant'] = sending.tenant;
  let response: Response;
  try {
    response = await fetch(path + query(params), { method, signal, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server does not answer', '');
  }
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds, so only a real change is believed: the chart must not jitter.
  const skew = date - Date.now();
  if (Math.abs(skew - serverOffset) > 3000) serverOffset = skew;
  if (response.ok) return response;
  const { type: _type, status: _status, title, detail = '', ...extra } = (await response.json().catch(() => ({}))) as Problem;
  if (response.status === 401 && !mayBeUnknown) sending.onUnknownCaller();
  const retryAfter = Number(response.headers.get('retry-after')) || 0;
  throw new ApiError(response.status, title ?? (response.status === 429 ? 'Too many requests' : `HTTP ${response.status}`), detail, retryAfter, extra);
}

export async function send<T>(path: string, request: Request = {}): Promise<T> {
  const response = await fetchResponse(path, request);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const get = <T>(path: string, params: Params = {}, signal?: AbortSignal) => send<T>(path, { params, signal });

export const fetchMe = (signal?: AbortSignal) => get<Me>('/api/v1/me', {}, signal);

export const fetchPoints = (params: Params, signal?: AbortSignal) =>
  get<Points>('/api/v1/messages/points', params, signal);

export const fetchTimeline = (params: Params, signal?: AbortSignal) =>
  get<Timeline>('/api/v1/messages/timeline', params, signal);

export const fetchEvents = (params: Params, signal?: AbortSignal) =>
  get<EventPage>('/api/v1/messages', params, signal);

export const fetchEvent = (id: string, signal?: AbortSignal) =>
  get<EventDetail>(`/api/v1/messages/${encodeURIComponent(id)}`, {}, signal);

/** The newest event of all time under no filter. */
export async function fetchLastEvent(signal?: AbortSignal) {
  const page = await fetchEvents({ limit: 1, from: '1970-01-01T00:00:00Z' }, signal);
  return page.items[0] ?? null;
}
