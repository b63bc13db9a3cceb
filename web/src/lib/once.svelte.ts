// One thing of the API that a page is about.
import type { ApiError } from './api/client';
import { asApiError } from './list.svelte';

export class Once<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  #abort: AbortController | null = null;

  constructor(private readonly ask: (signal: AbortSignal) => Promise<T>) {}

  load = async (): Promise<void> => {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    try {
      const value = await this.ask(signal);
      if (signal.aborted) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (!signal.aborted) this.error = asApiError(error);
    }
  };

  end = (): void => this.#abort?.abort();
}
