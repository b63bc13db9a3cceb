// What selects offer: roles and projects of the tenant.
import { projects, roles } from './api/control';
import type { Project, Role } from './api/control.types';
import { fetchAll } from './list.svelte';
import { session } from './session.svelte';

export interface Option {
  value: string;
  text: string;
}

const BUILT_IN = ['super_admin', 'admin', 'member', 'viewer'];

/** Roles that the caller may give away; the server has the last word. Whoever may not list roles is offered the built-in ones. */
export async function roleOptions(): Promise<Option[]> {
  const known: Pick<Role, 'name' | 'built_in'>[] = await fetchAll(roles.list).catch(() => BUILT_IN.map((name) => ({ name, built_in: true })));
  const mine = session.me?.permissions ?? [];
  const givable = known.filter((role) => role.name !== 'platform_admin' || mine.includes('tenants.manage'));
  return givable.map(({ name, built_in }) => ({ value: name, text: built_in ? name : `${name} (custom)` }));
}

export async function projectOptions(none: string): Promise<Option[]> {
  const all: Pick<Project, 'slug' | 'name'>[] = await fetchAll(projects.list).catch(() => (session.me?.projects ?? []).map((slug) => ({ slug, name: '' })));
  return [{ value: '', text: none }, ...all.map(({ slug, name }) => ({ value: slug, text: name && name !== slug ? `${name} (${slug})` : slug }))];
}
