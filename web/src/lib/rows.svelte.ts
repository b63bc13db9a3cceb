// The table's rows: newest first, live at the top, older pages by cursor at the bottom.
import { fetchEvents, type Params } from './api/client';
import type { EventItem, EventPage } from './api/types';

const PAGE = 100;
/** More than anyone scrolls through; the table draws only what is on screen, this bounds memory. */
const MAX_LIVE_ROWS = 2000;

export class Rows {
  items = $state.raw<EventItem[]>([]);
  loadingOlder = $state(false);
  #cursor = $state<string | null>(null);
  /** Set when live rows pushed old ones out: the cursor then points past a gap, and the next page starts by time. */
  #trimmed = $state(false);
  #known = new Set<string>();
  #asked: Params = {};

  get hasOlder(): boolean {
    return this.#trimmed || this.#cursor !== null;
  }

  async load(params: Params, signal: AbortSignal): Promise<void> {
    const page = await fetchEvents({ ...params, limit: PAGE }, signal);
    this.#asked = params;
    this.#cursor = page.next_before_cursor;
    this.#trimmed = false;
    this.#known = new Set(page.items.map((item) => item.id));
    this.items = page.items;
  }

  /** Events from the stream, in any order. */
  merge(events: EventItem[]): void {
    const oldest = this.items.at(-1);
    const fresh = events.filter(
      (event) => !this.#known.has(event.id) && !(this.hasOlder && oldest && compare(event, oldest) > 0),
    );
    if (fresh.length === 0) return;
    for (const event of fresh) this.#known.add(event.id);
    const items = [...fresh, ...this.items].sort(compare);
    if (items.length > MAX_LIVE_ROWS) {
      for (const gone of items.splice(MAX_LIVE_ROWS / 2)) this.#known.delete(gone.id);
      this.#trimmed = true;
    }
    this.items = items;
  }

  async loadOlder(): Promise<void> {
    if (this.loadingOlder || !this.hasOlder) return;
    this.loadingOlder = true;
    const asked = this.#asked;
    try {
      const page = await fetchEvents({ ...asked, ...this.#pageStart(), limit: PAGE });
      if (asked === this.#asked) this.#append(page);
    } finally {
      this.loadingOlder = false;
    }
  }

  #pageStart(): Params {
    const oldest = this.items.at(-1);
    // One millisecond of overlap, because `to` has its own rounding; ids already known are skipped.
    if (this.#trimmed && oldest) return { to: new Date(Date.parse(oldest.timestamp) + 1).toISOString() };
    return { before_cursor: this.#cursor ?? undefined };
  }

  #append(page: EventPage): void {
    this.#cursor = page.next_before_cursor;
    this.#trimmed = false;
    const fresh = page.items.filter((item) => !this.#known.has(item.id));
    for (const item of fresh) this.#known.add(item.id);
    this.items = [...this.items, ...fresh];
  }
}

/** Newest first. Timestamps are RFC 3339 in UTC with the same number of digits, so text order is time order. */
function compare(a: EventItem, b: EventItem): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? 1 : -1;
  return a.id < b.id ? 1 : -1;
}
