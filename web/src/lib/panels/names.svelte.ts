// What people are called: senders' ids of users are of their own making, and the API knows the address that came with them.
import { fetchValues } from '../api/packs';

class Names {
  #users = $state.raw(new Map<string, string>());
  #asked = '';

  /** Those of a range: asked once for it. Where that fails, the ids are shown. */
  async load(from: string, to: string): Promise<void> {
    const asked = `${from} ${to}`;
    if (asked === this.#asked) return;
    this.#asked = asked;
    try {
      const { items } = await fetchValues({ field: 'user_id', from, to, limit: MOST });
      const found = items.flatMap(({ value, label }) => (label ? [[value, label] as const] : []));
      this.#users = new Map([...this.#users, ...found]);
    } catch {
      this.#asked = '';
    }
  }

  /** Empty: the id is all that is known. */
  of(column: string, value: unknown): string {
    return (column === 'user_id' || column === 'user') && typeof value === 'string' ? (this.#users.get(value) ?? '') : '';
  }
}

const MOST = 200;

export const names = new Names();
