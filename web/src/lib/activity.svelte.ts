// The rows of an activity feed: the newest by asking again and again, older ones by cursor.
import type { ApiError, Params } from './api/client';
import type { ActivityItem, CursorPage } from './api/control.types';
import { asApiError } from './list.svelte';
import { pollWhileVisible } from './poll';

const PAGE = 50;
/** The most that one answer holds. */
const MOST = 200;
/** A row may be stored after a younger one; now and then the newest page is read whole instead of only what is newer. */
const WHOLE_EVERY = 12;
const BACK_OFF_MAX_MS = 60_000;

type FetchPage = (params: Params, signal?: AbortSignal) => Promise<CursorPage<ActivityItem>>;

export class ActivityFeed {
  items = $state.raw<ActivityItem[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);
  /** When the server is asked again after it refused, ms since 1970; 0: as usual. */
  retryAt = $state(0);
  loadingOlder = $state(false);
  olderError = $state.raw<ApiError | null>(null);
  #older = $state<string | null>(null);
  #newest: string | null = null;
  #polls = 0;
  #failures = 0;
  #abort = new AbortController();

  constructor(
    private readonly fetchPage: FetchPage,
    private readonly filters: Params,
    private readonly everyMs: number,
  ) {}

  get hasOlder(): boolean {
    return this.#older !== null;
  }

  /** Returns the function that ends it. */
  start(): () => void {
    const end = pollWhileVisible(
      () => (this.retryAt ? this.retryAt - Date.now() : this.everyMs),
      () => this.#poll(),
    );
    return () => {
      end();
      this.#abort.abort();
    };
  }

  async loadOlder(): Promise<void> {
    if (this.loadingOlder || !this.#older) return;
    this.loadingOlder = true;
    this.olderError = null;
    try {
      const page = await this.fetchPage({ ...this.filters, limit: PAGE, before_cursor: this.#older }, this.#abort.signal);
      this.items = [...this.items, ...this.#unknown(page.items)].sort(newestFirst);
      this.#older = page.next_before_cursor ?? null;
    } catch (error) {
      this.olderError = asApiError(error);
    } finally {
      this.loadingOlder = false;
    }
  }

  async #poll(): Promise<void> {
    const whole = this.#newest === null || this.#polls++ % WHOLE_EVERY === WHOLE_EVERY - 1;
    const cursor = whole ? {} : { since_cursor: this.#newest! };
    try {
      const page = await this.fetchPage({ ...this.filters, ...cursor, limit: whole ? PAGE : MOST }, this.#abort.signal);
      if (this.#abort.signal.aborted) return;
      this.#take(page, whole);
      this.phase = 'ready';
      this.error = null;
      this.retryAt = this.#failures = 0;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#fail(asApiError(error));
    }
  }

  #take(page: CursorPage<ActivityItem>, whole: boolean): void {
    const known = new Set(this.items.map((item) => item.id));
    const touches = page.items.length === 0 || page.items.some((item) => known.has(item.id));
    // More came than one answer holds: what is shown would have a gap, so it starts over with the newest page.
    const gap = this.items.length > 0 && (whole ? !touches && Boolean(page.next_before_cursor) : page.items.length >= MOST);
    if (gap) this.items = [];
    if (gap || this.phase !== 'ready' || this.items.length === 0) this.#older = page.next_before_cursor ?? null;
    const fresh = this.#unknown(page.items);
    if (fresh.length) this.items = [...fresh, ...this.items].sort(newestFirst);
    this.#newest = page.newest_cursor ?? this.#newest;
  }

  #unknown(items: ActivityItem[]): ActivityItem[] {
    const known = new Set(this.items.map((item) => item.id));
    return items.filter((item) => !known.has(item.id));
  }

  #fail(error: ApiError): void {
    this.error = error;
    if (this.phase === 'loading') this.phase = 'failed';
    // A refusal for good is asked about rarely: somebody may be given the right meanwhile.
    const wait = error.retryable ? Math.min(this.everyMs * 2 ** this.#failures++, BACK_OFF_MAX_MS) : BACK_OFF_MAX_MS;
    this.retryAt = Date.now() + (error.retryAfter * 1000 || wait);
  }
}

/** Rows of the same microsecond stay in the server's order: sorting is stable. */
function newestFirst(a: ActivityItem, b: ActivityItem): number {
  if (a.occurred_at === b.occurred_at) return 0;
  return a.occurred_at < b.occurred_at ? 1 : -1;
}
