// One page of the audit trail at a time, with the way back to the newer ones.
import type { ApiError, Params } from './api/client';
import { audit } from './api/control';
import type { AuditEntry } from './api/control.types';
import { asApiError } from './list.svelte';

export const PAGE = 50;

export class AuditTrail {
  items = $state.raw<AuditEntry[]>([]);
  loading = $state(true);
  error = $state.raw<ApiError | null>(null);
  /** Cursors of the pages before this one; the first page has none. */
  #before = $state.raw<string[]>([]);
  #next = $state<string | null>(null);
  #abort: AbortController | null = null;

  constructor(private readonly filters: Params) {}

  get page(): number {
    return this.#before.length + 1;
  }

  get hasNext(): boolean {
    return this.#next !== null;
  }

  load = (): Promise<void> => this.#show(this.#before);
  next = (): Promise<void> => (this.#next ? this.#show([...this.#before, this.#next]) : Promise.resolve());
  previous = (): Promise<void> => this.#show(this.#before.slice(0, -1));

  async #show(before: string[]): Promise<void> {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    this.loading = true;
    try {
      const page = await audit.activity({ ...this.filters, limit: PAGE, before_cursor: before.at(-1) }, signal);
      if (signal.aborted) return;
      this.items = page.items;
      this.#before = before;
      this.#next = page.next_before_cursor ?? null;
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = asApiError(error);
    }
    this.loading = false;
  }
}
