// The page's one store: the view (= the URL), what was loaded for it, and the stream that keeps it current.
// Components read its fields and call its verbs; nothing else fetches, except the panel its one event.
import { untrack } from 'svelte';
import { ApiError, fetchEvents, fetchLastEvent, fetchMe, fetchPoints, fetchTimeline, type Params } from './api/client';
import { openStream, type StreamState } from './api/stream';
import type { EventItem } from './api/types';
import { now } from './clock';
import { Bars } from './model/bars';
import { CLASSES, type EventClass } from './model/classes';
import { Dots } from './model/dots';
import { bucketFor, isLive, spanOf, type Preset, type Range, type Span } from './model/range';
import { apiFilters, iso, parseView, viewToSearch, type FilterName, type View } from './model/view';
import { Rows } from './rows.svelte';

/** What one answer of the points endpoint holds at most. */
const MAX_POINTS = 20_000;
/** Live arrivals on top of that before the server is asked for a fresh even sample. */
const MAX_DOTS = 24_000;
/** An event acknowledged while the page was loading may be in neither the answer nor the stream; it is looked for once more. */
const RECONCILE_MS = 3000;
const AHEAD_MS = 60_000;
/** How long an arrival is remembered, so that a reload whose answer does not have it yet cannot take it away again. */
const RECENT_MS = 15_000;
const RETRY_MAX_MS = 30_000;
/** The most that one answer of the list holds. */
const FEW = 200;

/** Of the product's own audit trail, which begins with the first start. */
const isOwn = (source: string | undefined): boolean => source === 'audit';

export class Feed {
  view = $state.raw<View>(parseView(location.search));
  phase = $state<'loading' | 'empty' | 'ready'>('loading');
  /** A newer load is under way; what is shown belongs to the previous view. */
  refreshing = $state(false);
  error = $state.raw<ApiError | null>(null);
  retryAt = $state(0);
  stream = $state<StreamState>('connecting');
  /** The newest event under no filter, for "nothing in this range". */
  last = $state.raw<EventItem | null>(null);
  /** Seconds-grained now, for texts; the chart has its own finer clock. */
  now = $state(now());
  /** Bumped whenever dots or bars changed in place. */
  version = $state(0);
  total = $state(0);
  sampled = $state(false);
  rows = new Rows();
  dots = new Dots();
  bars = new Bars(60_000);
  /** Arrivals that the chart may greet with a pulse; it empties the list. */
  arrivals: string[] = [];

  #held = $state.raw<EventItem[]>([]);
  #recent: { item: EventItem; at: number }[] = [];
  #sources = $state.raw<string[]>([]);
  #load: AbortController | null = null;
  #loadedSpan: Span = { from: 0, to: 0 };
  #closeStream: (() => void) | null = null;
  #streamKey = '';
  #streamWasDown = false;
  #retryMs = 1000;
  /** Where "Go live" returns to from a zoom. */
  #lastPreset: Preset = '1h';
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #reconcileTimer: ReturnType<typeof setTimeout> | undefined;

  readonly live = $derived(isLive(this.view.range));
  readonly paused = $derived(this.view.range.kind === 'sliding' && this.view.range.at !== null);
  readonly hidden = $derived(CLASSES.map((name) => this.view.hidden.includes(name)));
  readonly span = $derived(spanOf(this.view.range, this.now));
  /** Per class, under the filters but before the legend; from the timeline where the dots are only a sample. */
  readonly counts = $derived.by(() => {
    void this.version;
    const { from, to } = this.span;
    return this.sampled ? this.bars.countByClass(from, to) : this.dots.countByClass(from, to);
  });
  readonly shownCount = $derived.by(() => {
    if (this.sampled && !this.view.hidden.length) return this.total;
    return this.counts.reduce((sum, count, index) => sum + (this.hidden[index] ? 0 : count), 0);
  });
  readonly filtered = $derived(this.view.q !== '' || Object.keys(this.view.filters).length > 0);

  get heldCount(): number {
    return this.#held.length;
  }

  get sources(): string[] {
    return this.#sources;
  }

  start(): () => void {
    const tick = setInterval(() => this.#tick(), 1000);
    this.view = parseView(location.search);
    const onPop = () => {
      if (location.pathname !== '/') return;
      this.view = parseView(location.search);
      void this.reload();
    };
    addEventListener('popstate', onPop);
    void this.reload();
    return () => {
      clearInterval(tick);
      removeEventListener('popstate', onPop);
      this.#closeStream?.();
      this.#closeStream = null;
      clearTimeout(this.#retryTimer);
      clearTimeout(this.#reconcileTimer);
      this.#load?.abort();
    };
  }

  // --- verbs on the view ---

  setRange(range: Range): void {
    if (range.kind === 'sliding') this.#lastPreset = range.preset;
    else if (this.view.range.kind === 'sliding') this.#lastPreset = this.view.range.preset;
    this.#navigate({ ...this.view, range }, true);
  }

  setFilter(name: FilterName, value: string | null): void {
    const filters = { ...this.view.filters };
    if (value) filters[name] = value;
    else delete filters[name];
    this.#navigate({ ...this.view, filters }, true);
  }

  search(q: string): void {
    if (q !== this.view.q) this.#navigate({ ...this.view, q }, true);
  }

  clearFilters(): void {
    this.#navigate({ ...this.view, q: '', filters: {}, hidden: [] }, true);
  }

  select(id: string | null): void {
    this.#replace({ ...this.view, selected: id });
  }

  toggleClass(name: EventClass): void {
    const hidden = this.view.hidden.includes(name)
      ? this.view.hidden.filter((other) => other !== name)
      : [...this.view.hidden, name];
    this.#setHidden(hidden);
  }

  /** Only this class; a second time: all of them again. */
  soloClass(name: EventClass): void {
    const others = CLASSES.filter((other) => other !== name);
    const isSolo = this.view.hidden.length === others.length && !this.view.hidden.includes(name);
    this.#setHidden(isSolo ? [] : others);
  }

  showAllClasses(): void {
    this.#setHidden([]);
  }

  pause(): void {
    const { range } = this.view;
    if (range.kind !== 'sliding' || range.at !== null) return;
    this.#replace({ ...this.view, range: { ...range, at: now() } });
  }

  resume(): void {
    const { range } = this.view;
    this.now = now();
    const preset = range.kind === 'sliding' ? range.preset : this.#lastPreset;
    this.#replace({ ...this.view, range: { kind: 'sliding', preset, at: null } });
    this.#merge(this.#held);
    this.#held = [];
    // What was held is shown at once; the answer closes any gap before the stream was there.
    void this.reload();
  }

  // --- loading ---

  async reload(): Promise<void> {
    this.#behind = false;
    this.#load?.abort();
    const load = (this.#load = new AbortController());
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#reconcileTimer);
    this.refreshing = true;
    const filters = apiFilters(this.view);
    // The stream first: an event that arrives during the load is in one of the two, and merging forgets doubles.
    this.#follow(filters);
    try {
      await this.#loadAll(filters, load.signal);
      if (load.signal.aborted) return;
      this.error = null;
      this.#retryMs = 1000;
      this.refreshing = false;
      if (this.live) this.#reconcileTimer = setTimeout(() => void this.#reconcile(filters, load.signal), RECONCILE_MS);
    } catch (error) {
      if (load.signal.aborted) return;
      this.refreshing = false;
      this.#fail(error);
    }
  }

  async #loadAll(filters: Params, signal: AbortSignal): Promise<void> {
    this.now = now();
    const span = spanOf(this.view.range, this.now);
    // A sender's clock may run ahead of ours: its events wait just beyond NOW instead of being missed.
    const to = span.to + (this.live ? AHEAD_MS : 0);
    const window = { ...filters, from: iso(span.from), to: iso(to) };
    const [points, timeline] = await Promise.all([
      fetchPoints({ ...window, limit: MAX_POINTS }, signal),
      fetchTimeline({ ...window, bucket: bucketFor(span).name, group_by: 'class' }, signal),
      this.rows.load(window, signal),
    ]);
    const empty = this.phase !== 'ready' && (points.total === 0 || (!this.filtered && points.columns.source.every(isOwn))) && (await this.#isEmpty(signal));
    if (points.total === 0 && !empty) this.last = await fetchLastEvent(signal);
    if (signal.aborted) return;
    if (empty) {
      this.phase = 'empty';
      // Any event of somebody else's ends the empty state, whatever the URL filters by.
      this.#listen({});
      return;
    }
    this.#loadedSpan = span;
    this.dots = Dots.fromPoints(points);
    this.bars = Bars.fromTimeline(timeline);
    this.total = points.total;
    this.sampled = points.total > points.returned;
    this.#sources = [...new Set([...this.#sources, ...points.columns.source])].filter(Boolean).sort();
    this.phase = 'ready';
    this.version++;
    // Arrivals during the load, or just before it. In a sample the totals of the answer already count them.
    this.#merge(this.#recent.map(({ item }) => item), !this.sampled);
  }

  /** Nothing but what the product itself wrote. So much of that without a single event is no fresh start any more. */
  async #isEmpty(signal: AbortSignal): Promise<boolean> {
    const { items, next_before_cursor } = await fetchEvents({ limit: FEW, from: '1970-01-01T00:00:00Z' }, signal);
    return next_before_cursor === null && items.every((item) => isOwn(item.source));
  }

  #fail(error: unknown): void {
    clearTimeout(this.#retryTimer);
    this.error = error instanceof ApiError ? error : new ApiError(-1, 'The answer was not understood', String(error));
    if (!this.error.retryable) return;
    this.retryAt = Date.now() + this.#retryMs;
    this.#retryTimer = setTimeout(() => void this.reload(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  async #reconcile(filters: Params, signal: AbortSignal): Promise<void> {
    const { from } = spanOf(this.view.range, now());
    const page = await fetchEvents({ ...filters, from: iso(from), limit: 100 }, signal).catch(() => null);
    if (page && !signal.aborted) this.#receive(page.items);
  }

  // --- the stream ---

  #follow(filters: Params): void {
    if (this.phase === 'empty') return;
    if (this.view.range.kind !== 'fixed') {
      this.#listen(filters);
      return;
    }
    // A fixed range lies in the past: nothing to wait for.
    this.#closeStream?.();
    this.#closeStream = null;
  }

  /** The server moved the stream forward: events were left out. */
  #behind = false;

  #listen(filters: Params): void {
    const key = JSON.stringify(filters);
    if (this.#closeStream && key === this.#streamKey) return;
    this.#closeStream?.();
    this.#held = [];
    this.#recent = [];
    this.#streamKey = key;
    this.#closeStream = openStream(filters, {
      events: (items) => this.#receive(items),
      state: (state) => this.#streamState(state),
      skipped: () => (this.#behind = true),
    });
  }

  #streamState(state: StreamState): void {
    const wasDown = this.#streamWasDown;
    this.stream = state;
    this.#streamWasDown = state === 'down' || (wasDown && state !== 'open');
    // Is it only the stream (a proxy's timeout: the browser reconnects), or the whole server? A request tells.
    if (state === 'down' && !wasDown && !this.refreshing) fetchMe().catch((error: unknown) => this.#fail(error));
    // Back again after an outage: whatever the reason, the screen is brought up to date at once.
    if (state === 'open' && wasDown && !this.paused) void this.reload();
  }

  #receive(items: EventItem[]): void {
    const at = Date.now();
    this.#recent = [...this.#recent.filter((arrival) => at - arrival.at < RECENT_MS), ...items.map((item) => ({ item, at }))];
    if (this.phase === 'empty') {
      if (items.every((item) => isOwn(item.source))) return;
      this.phase = 'ready';
      this.last = items[0] ?? null;
      void this.reload();
    }
    if (this.paused) {
      const known = new Set(this.#held.map((item) => item.id));
      const fresh = items.filter((item) => !known.has(item.id) && !this.dots.has(item.id));
      // Counted on, but not kept without end: resuming reloads anyway.
      if (this.#held.length < MAX_DOTS) this.#held = [...this.#held, ...fresh];
      return;
    }
    this.#merge(items);
  }

  #merge(items: EventItem[], count = true): void {
    const fresh = items.filter((item) => this.dots.addItem(item));
    if (fresh.length) {
      if (count) for (const item of fresh) this.bars.add(Date.parse(item.timestamp), item.event_class);
      if (count) this.total += fresh.length;
      this.arrivals.push(...fresh.map((item) => item.id));
      this.now = now();
      this.version++;
      const sources = fresh.map((item) => item.source ?? '').filter((name) => name && !this.#sources.includes(name));
      if (sources.length) this.#sources = [...new Set([...this.#sources, ...sources])].sort();
    }
    this.rows.merge(items);
  }

  #tick(): void {
    if (!this.live) return;
    this.now = now();
    const { from, to } = this.span;
    this.dots.dropBefore(from);
    const windowMoved = this.now - this.#loadedSpan.to > Math.max(60_000, (to - from) / 20);
    // A flood that the stream could not pass on: read the window again, at the pace of the answers.
    const stale = this.#behind || this.dots.size > MAX_DOTS || (this.sampled && windowMoved);
    if (stale && !this.refreshing && this.phase === 'ready' && !document.hidden) void this.reload();
  }

  // --- the URL ---

  #setHidden(hidden: EventClass[]): void {
    const before = apiFilters(this.view).class;
    this.#replace({ ...this.view, hidden });
    if (apiFilters(this.view).class !== before) void this.reload();
  }

  #navigate(view: View, reload: boolean): void {
    this.view = view;
    history.pushState(null, '', location.pathname + viewToSearch(view));
    if (reload) void untrack(() => this.reload());
  }

  #replace(view: View): void {
    this.view = view;
    history.replaceState(null, '', location.pathname + viewToSearch(view));
  }
}

export const feed = new Feed();
