// The packs that this caller sees: for the navigation, the list and the dashboard. Read once, and again when one was switched.
import type { ApiError } from '../api/client';
import { packs as api, type Pack } from '../api/packs';
import { asApiError } from '../list.svelte';

class Packs {
  items = $state.raw<Pack[]>([]);
  phase = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  error = $state.raw<ApiError | null>(null);

  #readAt = 0;

  readonly enabled = $derived(this.items.filter(({ enabled }) => enabled));

  of(id: string): Pack | undefined {
    return this.items.find((pack) => pack.id === id);
  }

  /** Reads them if that was never done, or longer ago than this. */
  want(maxAgeMs = Infinity): void {
    if (this.phase === 'idle' || (this.phase === 'ready' && Date.now() - this.#readAt > maxAgeMs)) void this.load();
  }

  load = async (): Promise<void> => {
    if (this.phase === 'idle' || this.phase === 'failed') this.phase = 'loading';
    try {
      const { items } = await api.list();
      // Those that are as before stay the same objects: their panels need not be asked again.
      this.items = items.map((pack) => this.items.find((old) => JSON.stringify(old) === JSON.stringify(pack)) ?? pack);
      this.#readAt = Date.now();
      this.error = null;
      this.phase = 'ready';
    } catch (error) {
      this.error = asApiError(error);
      if (this.phase === 'loading') this.phase = 'failed';
    }
  };

  async enable(id: string, enabled: boolean): Promise<void> {
    const changed = await api.enable(id, enabled);
    this.items = this.items.map((pack) => (pack.id === id ? changed : pack));
  }
}

export const packs = new Packs();
