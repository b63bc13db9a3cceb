// A list that is paged by a cursor towards the past, as a page shows it: the newest, and older ones on request.
import type { ApiError, Params } from './api/client';
import type { CursorPage } from './api/control.types';
import { asApiError } from './list.svelte';

const PAGE = 100;

export class Keyset<T> {
  items = $state.raw<T[]>([]);
  phase = $state<'loading' | 'ready' | 'failed'>('loading');
  /** What is shown belongs to the question before. */
  refreshing = $state(false);
  loadingOlder = $state(false);
  error = $state.raw<ApiError | null>(null);
  #next = $state<string | null>(null);
  #asked: Params = {};
  #load: AbortController | null = null;

  constructor(private readonly fetchPage: (params: Params, signal?: AbortSignal) => Promise<CursorPage<T>>) {}

  get hasOlder(): boolean {
    return this.#next !== null;
  }

  async load(params: Params = this.#asked): Promise<void> {
    this.#load?.abort();
    const { signal } = (this.#load = new AbortController());
    this.#asked = params;
    this.refreshing = true;
    await this.#fetch({}, signal, (items) => items);
    if (!signal.aborted) this.refreshing = false;
  }

  async loadOlder(): Promise<void> {
    if (!this.#next || this.loadingOlder || !this.#load) return;
    this.loadingOlder = true;
    await this.#fetch({ before_cursor: this.#next }, this.#load.signal, (items) => [...this.items, ...items]);
    this.loadingOlder = false;
  }

  end(): void {
    this.#load?.abort();
  }

  async #fetch(more: Params, signal: AbortSignal, merge: (items: T[]) => T[]): Promise<void> {
    try {
      const page = await this.fetchPage({ limit: PAGE, ...this.#asked, ...more }, signal);
      if (signal.aborted) return;
      this.items = merge(page.items);
      this.#next = page.next_before_cursor ?? null;
      this.error = null;
      this.phase = 'ready';
    } catch (error) {
      if (signal.aborted) return;
      this.error = asApiError(error);
      if (this.phase === 'loading') this.phase = 'failed';
    }
  }
}
