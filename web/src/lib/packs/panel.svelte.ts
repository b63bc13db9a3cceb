// One panel's answer. A new question cancels the one before; what is shown stays until the answer is there.
import type { ApiError, Params } from '../api/client';
import { fetchPanel, type Answer, type Panel } from '../api/packs';
import { asApiError } from '../list.svelte';
import { panelQueue, type Job } from './queue';

export class PanelState {
  answer = $state.raw<Answer | null>(null);
  phase = $state<'waiting' | 'loading' | 'ready' | 'failed'>('waiting');
  error = $state.raw<ApiError | null>(null);
  /** Not in view: later. */
  rank = 1;
  asked: Params = {};
  #load: AbortController | null = null;
  #job: Job | null = null;

  constructor(
    readonly pack: string,
    readonly panel: Panel,
  ) {}

  ask(params: Params): void {
    this.stop();
    this.asked = params;
    this.phase = 'waiting';
    const { signal } = (this.#load = new AbortController());
    const job: Job = { rank: () => this.rank, run: () => this.#fetch(params, signal) };
    this.#job = job;
    panelQueue.add(job);
  }

  retry = (): void => this.ask(this.asked);

  stop(): void {
    this.#load?.abort();
    if (this.#job) panelQueue.drop(this.#job);
    this.#job = null;
  }

  async #fetch(params: Params, signal: AbortSignal): Promise<void> {
    this.phase = 'loading';
    try {
      const answer = await fetchPanel(this.pack, this.panel.id, params, signal);
      if (signal.aborted) return;
      this.answer = answer;
      this.error = null;
      this.phase = 'ready';
    } catch (error) {
      if (signal.aborted) return;
      this.error = asApiError(error);
      this.phase = 'failed';
    }
  }
}
