// A keyset-paged list of the API, as a page shows it: the first page, and more on request.
import { ApiError, type Params } from './api/client';
import type { Page } from './api/control.types';

const PAGE = 100;

export class PagedList<T> {
  items = $state.raw<T[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  loadingMore = $state(false);
  /** What is shown belongs to the question before. */
  refreshing = $state(false);
  error = $state.raw<ApiError | null>(null);
  #next = $state<string | null>(null);
  #asked: Params = {};
  #load: AbortController | null = null;

  constructor(private readonly fetchPage: (params: Params, signal?: AbortSignal) => Promise<Page<T>>) {}

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** What is shown stays until the answer is there. */
  async load(params: Params = this.#asked): Promise<void> {
    this.#load?.abort();
    const { signal } = (this.#load = new AbortController());
    this.#asked = params;
    this.refreshing = true;
    await this.#fetch(params, signal, (page) => page.items);
    if (!signal.aborted) this.refreshing = false;
  }

  end(): void {
    this.#load?.abort();
  }

  async more(): Promise<void> {
    if (!this.#next || this.loadingMore) return;
    this.loadingMore = true;
    const { signal } = (this.#load ??= new AbortController());
    await this.#fetch({ ...this.#asked, cursor: this.#next }, signal, (page) => [...this.items, ...page.items]);
    this.loadingMore = false;
  }

  async #fetch(params: Params, signal: AbortSignal, merge: (page: Page<T>) => T[]): Promise<void> {
    try {
      const page = await this.fetchPage({ limit: PAGE, ...params }, signal);
      if (signal.aborted) return;
      this.items = merge(page);
      this.#next = page.next_cursor ?? null;
      this.error = null;
      this.phase = 'ready';
    } catch (error) {
      if (signal.aborted) return;
      this.error = asApiError(error);
      if (this.phase === 'loading') this.phase = 'failed';
    }
  }
}

/** Every page of a list that is short by nature: the choices of a select. */
export async function fetchAll<T>(fetchPage: (params: Params) => Promise<Page<T>>, atMost = 1000): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await fetchPage({ limit: 200, cursor: cursor ?? undefined });
    items.push(...page.items);
    cursor = page.next_cursor ?? null;
  } while (cursor && items.length < atMost);
  return items;
}

export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(-1, 'The answer was not understood', String(error));
