// One function per endpoint, and the one place that turns a failed answer into an ApiError.
import type { EventDetail, EventPage, Me, Points, Problem, Timeline } from './types';

export type Params = Record<string, string | number | undefined>;

/** `status` 0 means that nothing answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }

  /** Worth trying again by itself: nobody answered, or the server said "later". */
  get retryable(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
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

async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path + query(params), { signal, headers: { accept: 'application/json' } });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server does not answer', '');
  }
  const date = Date.parse(response.headers.get('date') ?? '');
  // The header has whole seconds, so only a real change is believed: the chart must not jitter.
  const skew = date - Date.now();
  if (Math.abs(skew - serverOffset) > 3000) serverOffset = skew;
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as Problem;
    throw new ApiError(response.status, problem.title ?? `HTTP ${response.status}`, problem.detail ?? '');
  }
  return (await response.json()) as T;
}

export const fetchMe = (signal?: AbortSignal) => get<Me>('/api/v1/me', {}, signal);

export const fetchPoints = (params: Params, signal?: AbortSignal) =>
  get<Points>('/api/v1/messages/points', params, signal);

export const fetchTimeline = (params: Params, signal?: AbortSignal) =>
  get<Timeline>('/api/v1/messages/timeline', params, signal);

export const fetchEvents = (params: Params, signal?: AbortSignal) =>
  get<EventPage>('/api/v1/messages', params, signal);

export const fetchEvent = (id: string, signal?: AbortSignal) =>
  get<EventDetail>(`/api/v1/messages/${encodeURIComponent(id)}`, {}, signal);

/** The newest event of all time under no filter: null means that the tenant has never received anything. */
export async function fetchLastEvent(signal?: AbortSignal) {
  const page = await fetchEvents({ limit: 1, from: '1970-01-01T00:00:00Z' }, signal);
  return page.items[0] ?? null;
}
