// Who is using the page, and what they may do. Loaded before the first page is shown.
import { ApiError, fetchMe, sending } from './api/client';
import { session as api } from './api/control';
import type { Session } from './api/control.types';
import type { Me } from './api/types';
import { router } from './router.svelte';

/** One's choice of tenant lasts as long as the tab. */
const TENANT_KEY = 'tenant';
/** Where one was going before the provider of single sign-on was asked, which sends one back to `/`. */
const NEXT_KEY = 'next';

export type Permission =
  | 'events.read' | 'sql.query' | 'audit.read' | 'users.manage' | 'roles.manage' | 'projects.manage' | 'tokens.manage' | 'webhooks.manage' | 'packs.manage' | 'settings.manage' | 'tenants.manage';

class CurrentSession {
  me = $state.raw<Me | null>(null);
  state = $state.raw<Session | null>(null);
  phase = $state<'loading' | 'ready' | 'unknown' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);
  /** The tenant that a platform admin acts in; empty: their own. */
  elsewhere = $state(kept(TENANT_KEY));

  readonly anonymous = $derived(this.me?.via === 'anonymous');
  readonly mustChangePassword = $derived(this.me?.via === 'session' && this.state?.must_change_password === true);

  constructor() {
    sending.tenant = this.elsewhere;
    sending.onUnknownCaller = () => this.#unknown();
  }

  may(permission: Permission): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }

  async load(): Promise<void> {
    // What went wrong at the provider is said in the address.
    const refused = router.path === '/' && router.params.get('signin_error');
    if (refused) router.go(`/signin?signin_error=${encodeURIComponent(refused)}`, { replace: true });
    try {
      const state = await api.get();
      this.#take(state);
      // Asking who one is without being anybody is an error that needs no asking.
      if (!state.user && !state.anonymous && !state.methods.proxy) return this.#unknown();
      this.me = await fetchMe();
      this.phase = 'ready';
      this.#goOn();
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return;
      if (this.elsewhere && error instanceof ApiError && error.status >= 400 && error.status < 500) {
        // The tenant chosen before is gone, or somebody else signed in.
        this.#setTenant('');
        return this.load();
      }
      this.error = error instanceof ApiError ? error : new ApiError(-1, 'The answer was not understood', String(error));
      this.phase = 'failed';
    }
  }

  /** After signing in, by whichever way: the answer has what GET would say. */
  async entered(state: Session, next: string): Promise<void> {
    this.#setTenant('');
    this.#take(state);
    this.me = await fetchMe();
    this.phase = 'ready';
    router.go(next, { replace: true });
  }

  goOnTo(next: string): void {
    keep(NEXT_KEY, next === '/' ? '' : next);
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.#setTenant('');
    // A fresh document: nothing of what was on screen stays in memory.
    location.assign('/signin');
  }

  /** A fresh document, since everything on screen is the old tenant's. */
  actIn(tenant: string): void {
    this.#setTenant(tenant);
    location.assign('/activity');
  }

  #take(state: Session): void {
    this.state = state;
    sending.csrf = state.csrf_token ?? '';
  }

  #unknown(): void {
    this.me = null;
    this.phase = 'unknown';
    if (router.path === '/signin' || router.path === '/invite') return;
    const here = location.pathname + location.search;
    router.go(here === '/' ? '/signin' : `/signin?next=${encodeURIComponent(here)}`, { replace: true });
  }

  #goOn(): void {
    const next = kept(NEXT_KEY);
    if (!next || !this.state?.user || router.path !== '/') return;
    keep(NEXT_KEY, '');
    router.go(safePath(next), { replace: true });
  }

  #setTenant(tenant: string): void {
    this.elsewhere = sending.tenant = tenant;
    keep(TENANT_KEY, tenant);
  }
}

/** Only a path of ours: the query comes from whoever wrote the link. */
export const safePath = (next: string | null): string => (next && /^\/(?![/\\])/.test(next) && !next.startsWith('/signin') ? next : '/');

function kept(key: string): string {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function keep(key: string, value: string): void {
  try {
    if (value) sessionStorage.setItem(key, value);
    else sessionStorage.removeItem(key);
  } catch {
    // Forgotten with the next page then.
  }
}

export const session = new CurrentSession();
