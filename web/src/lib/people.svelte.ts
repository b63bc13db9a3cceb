// Names for user ids, for those who may list people; everybody else reads the ids.
import { audit, users } from './api/control';
import { fetchAll } from './list.svelte';
import { session } from './session.svelte';

class People {
  #emails = $state.raw<ReadonlyMap<string, string>>(new Map());
  #asked = false;

  /** Asked for once; an unknown id may be a person who is gone. */
  async load(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    try {
      if (session.may('users.manage')) this.#keep(await fetchAll(users.list));
      else if (session.may('audit.read')) this.#keep((await audit.users({ limit: 200 })).items);
    } catch {
      // The ids do.
    }
  }

  /** The email of a person where it is known. */
  name(id: string | null | undefined): string {
    if (!id) return '—';
    if (id === session.me?.user.id && session.me.user.email) return session.me.user.email;
    return this.#emails.get(id) ?? id;
  }

  #keep(list: { id: string; email: string }[]): void {
    this.#emails = new Map(list.map(({ id, email }) => [id, email]));
  }
}

export const people = new People();
