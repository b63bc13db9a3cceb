// A form that is sent to the API: busy while it is, and its refusal shown where it belongs.
import type { ApiError } from './api/client';
import { asApiError } from './list.svelte';

export class Form {
  busy = $state(false);
  error = $state.raw<ApiError | null>(null);

  /** `fields`: the names by which the API's texts speak of them. */
  constructor(private readonly fields: readonly string[] = []) {}

  /** True if it went through. */
  async submit(action: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await action();
      return true;
    } catch (error) {
      this.error = asApiError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** The refusal, if it is about this field. */
  of(field: string): string {
    return this.error && this.#about() === field ? sentence(this.error.detail || this.error.title) : '';
  }

  /** The refusal, if it is about none. */
  get general(): string {
    if (!this.error || this.#about()) return '';
    const { title, detail, status } = this.error;
    if (status === 0) return 'The server does not answer. Nothing was changed; try again.';
    return sentence(detail || title);
  }

  /** The first field that the text names. A problem has no member for it. */
  #about(): string | undefined {
    const text = this.error && this.error.status >= 400 && this.error.status < 500 ? this.error.detail.toLowerCase() : '';
    const places = this.fields.map((field) => ({ field, at: text.search(new RegExp(`\\b${field.replaceAll('_', '[ _]')}\\b`)) }));
    return places.filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at)[0]?.field;
  }
}

/** As texts of the API read on a page: with a capital and a full stop. */
export const sentence = (text: string): string => (text ? text[0]!.toUpperCase() + text.slice(1) + (/[.!?:]$/.test(text) ? '' : '.') : '');
