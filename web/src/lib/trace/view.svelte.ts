// What of a waterfall is shown, as the address has it: the open event, what is folded, the zoom, the search.
import { router } from '../router.svelte';
import type { Row } from './rows';

/** With more rows than this one begins with the turns, and opens those one wants. */
const MANY = 300;
const MOST_IDS = 60;

export class WaterfallView {
  readonly selected = $derived(router.params.get('id'));
  readonly q = $derived(router.params.get('q') ?? '');
  readonly squeeze = $derived(router.params.get('idle') !== 'true');
  readonly zoom = $derived.by(() => {
    const [from, to] = (router.params.get('zoom') ?? '').split('-').map(Number);
    return from !== undefined && to !== undefined && from >= 0 && to > from ? { from, to } : null;
  });
  /** `all` are the turns; `-id` is one that is open all the same. */
  readonly #folds = $derived.by((): string[] => {
    const asked = router.params.get('folded');
    if (asked !== null) return asked.split(',').filter((one) => one && one !== 'none');
    return this.rows().length > MANY ? ['all'] : [];
  });
  readonly folded = $derived.by((): ReadonlySet<string> => {
    const folded = new Set<string>();
    for (const one of this.#folds) {
      if (one === 'all') for (const { id } of this.#tops()) folded.add(id);
      else if (one.startsWith('-')) folded.delete(one.slice(1));
      else folded.add(one);
    }
    return folded;
  });

  constructor(private readonly rows: () => Row[]) {}

  /** A single root says nothing when folded: then it is the ones below it. */
  #tops(): Row[] {
    const rows = this.rows();
    const depth = rows.filter((row) => row.depth === 0).length > 1 ? 0 : 1;
    return rows.filter((row) => row.children > 0 && row.depth === depth);
  }

  fold = (id: string, on: boolean): void => {
    if (this.folded.has(id) === on) return;
    const all = this.#folds.includes('all');
    const rest = this.#folds.filter((one) => one !== 'all' && one !== id && one !== `-${id}`);
    const isTop = all && this.#tops().some((row) => row.id === id);
    if (on !== isTop) rest.push(on ? id : `-${id}`);
    const next = [...(all ? ['all'] : []), ...rest.slice(-MOST_IDS)];
    router.setParams({ folded: next.join(',') || 'none' }, { replace: true });
  };
  foldAll = (): void => router.setParams({ folded: 'all' }, { replace: true });
  unfoldAll = (): void => router.setParams({ folded: 'none' }, { replace: true });
  select = (eventId: string | null): void => router.setParams({ id: eventId }, { replace: this.selected !== null && eventId !== null });
  search = (q: string): void => router.setParams({ q: q.trim() }, { replace: true });
  setSqueeze = (on: boolean): void => router.setParams({ idle: on ? null : 'true', zoom: null }, { replace: true });
  /** Milliseconds since the beginning. */
  setZoom = (zoom: { from: number; to: number } | null): void => router.setParams({ zoom: zoom ? `${Math.max(0, Math.floor(zoom.from))}-${Math.ceil(zoom.to)}` : null });
}
