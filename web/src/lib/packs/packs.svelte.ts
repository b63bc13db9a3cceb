// The packs that this caller sees: for the navigation, the list and the dashboard. Read once, and again when one was switched.
import type { ApiError } from '../api/client';
import { packs as api, type Pack } from '../api/packs';
import { asApiError } from '../list.svelte';

class Packs {
  items = $state.raw<Pack[]>([]);
  phase = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  error = $state.raw<ApiError | null>(null);

  readonly enabled = $derived(this.items.filter(({ enabled }) => enabled));

  of(id: string): Pack | undefined {
    return this.items.find((pack) => pack.id === id);
  }

  /** The first time only. */
  want(): void {
    if (this.phase === 'idle') void this.load();
  }

  load = async (): Promise<void> => {
    if (this.phase === 'idle' || this.phase === 'failed') this.phase = 'loading';
    try {
      this.items = (await api.list()).items;
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
