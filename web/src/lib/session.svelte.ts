// Who is using the page, and what they may do. Loaded before the first page is shown.
import { ApiError, fetchMe, sending } from './api/client';
import { session as api } from './api/control';
import type { Session } from './api/control.types';
import type { Me } from './api/types';
import { router } from './router.svelte';

/** One's choice of tenant lasts as long as the tab. */
const TENANT_KEY = 'tenant';

export type Permission =
  | 'events.read' | 'audit.read' | 'users.manage' | 'roles.manage' | 'projects.manage' | 'tokens.manage' | 'webhooks.manage' | 'settings.manage' | 'tenants.manage';

class CurrentSession {
  me = $state.raw<Me | null>(null);
  state = $state.raw<Session | null>(null);
  phase = $state<'loading' | 'ready' | 'unknown' | 'failed'>('loading');
  error = $state.raw<ApiError | null>(null);
  /** The tenant that a platform admin acts in; empty: their own. */
  elsewhere = $state(stored());

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
    try {
      const state = await api.get();
      this.#take(state);
      // Asking who one is without being anybody is an error that needs no asking.
      if (!state.user && !state.anonymous && !state.methods.proxy) return this.#unknown();
      this.me = await fetchMe();
      this.phase = 'ready';
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

  #setTenant(tenant: string): void {
    this.elsewhere = sending.tenant = tenant;
    try {
      if (tenant) sessionStorage.setItem(TENANT_KEY, tenant);
      else sessionStorage.removeItem(TENANT_KEY);
    } catch {
      // Not remembered then, and the next page starts in one's own tenant.
    }
  }
}

/** Only a path of ours: the query comes from whoever wrote the link. */
export const safePath = (next: string | null): string => (next && /^\/(?![/\\])/.test(next) && !next.startsWith('/signin') ? next : '/');

function stored(): string {
  try {
    return sessionStorage.getItem(TENANT_KEY) ?? '';
  } catch {
    return '';
  }
}

export const session = new CurrentSession();
