// Whole events by id, for the panel and the tooltip: a small cache, because arrows go back and forth.
import { ApiError, fetchEvent } from './api/client';
import type { EventDetail, EventItem } from './api/types';
import { feed } from './feed.svelte';

const KEEP = 200;
/** The mouse rests this long before its dot is worth a request. */
const REST_MS = 120;
/** An event can be on the stream a moment before it can be queried. */
const NOT_YET_MS = 400;
const NOT_YET_TRIES = 8;

class Details {
  #cache = $state.raw<ReadonlyMap<string, EventDetail>>(new Map());

  /** What is known of an event without asking. */
  peek(id: string): EventDetail | EventItem | undefined {
    return this.#cache.get(id) ?? feed.rows.items.find((item) => item.id === id);
  }

  whole(id: string): EventDetail | undefined {
    return this.#cache.get(id);
  }

  /** For hovering. Returns the function that calls it off. */
  wantSoon(id: string): () => void {
    if (this.#cache.has(id) || feed.rows.items.some((item) => item.id === id)) return () => {};
    const abort = new AbortController();
    const timer = setTimeout(() => void this.load(id, abort.signal).catch(() => {}), REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }

  async load(id: string, signal: AbortSignal): Promise<void> {
    for (let left = NOT_YET_TRIES; !this.#cache.has(id); left--) {
      try {
        const detail = await fetchEvent(id, signal);
        const entries = [...this.#cache, [id, detail] as const];
        this.#cache = new Map(entries.slice(-KEEP));
      } catch (error) {
        const notYet = error instanceof ApiError && error.status === 404 && left > 0 && feed.dots.has(id);
        if (!notYet) throw error;
        await new Promise((resolve) => setTimeout(resolve, NOT_YET_MS));
        if (signal.aborted) return;
      }
    }
  }
}

export const details = new Details();
