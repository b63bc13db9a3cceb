// Every page of the portal: its path, its name, and what one must be allowed to see it.
import type { Component } from 'svelte';
import FeedPage from '../pages/Feed.svelte';
import type { Permission } from './session.svelte';

export interface Route {
  title: string;
  /** Any of these; none: whoever is signed in. */
  needs: Permission[];
  /** Shown without being anybody. */
  open?: boolean;
  /** In the list at the side of the settings. */
  settings?: boolean;
  load: () => Promise<{ default: Component<Record<string, string>> }>;
}

type Loaded = Promise<{ default: Component<Record<string, string>> }>;
// Pages take the names in their path as properties; which ones, the pattern says.
const page = (load: () => Promise<unknown>) => load as () => Loaded;

const ROUTES: Record<string, Route> = {
  '/': { title: 'Live feed', needs: [], load: page(async () => ({ default: FeedPage })) },
  '/packs': { title: 'Packs', needs: [], load: page(() => import('../pages/packs/PackList.svelte')) },
  '/packs/:id': { title: 'Pack', needs: [], load: page(() => import('../pages/packs/PackPage.svelte')) },
  '/activity': { title: 'Activity', needs: [], load: page(() => import('../pages/Activity.svelte')) },
  '/audit': { title: 'Audit trail', needs: ['audit.read'], load: page(() => import('../pages/Audit.svelte')) },
  '/projects': { title: 'Projects', needs: [], load: page(() => import('../pages/Projects.svelte')) },
  '/projects/:slug/audit': { title: 'Project activity', needs: [], load: page(() => import('../pages/ProjectAudit.svelte')) },
  '/settings': { title: 'Settings', needs: [], settings: true, load: page(() => import('../pages/settings/Start.svelte')) },
  '/settings/people': { title: 'People', needs: ['users.manage'], settings: true, load: page(() => import('../pages/settings/People.svelte')) },
  '/settings/roles': { title: 'Roles', needs: ['roles.manage'], settings: true, load: page(() => import('../pages/settings/Roles.svelte')) },
  '/settings/projects': { title: 'Projects', needs: ['projects.manage'], settings: true, load: page(() => import('../pages/settings/Projects.svelte')) },
  '/settings/tokens': { title: 'Tokens', needs: [], settings: true, load: page(() => import('../pages/settings/Tokens.svelte')) },
  '/settings/webhooks': { title: 'Webhooks', needs: ['webhooks.manage'], settings: true, load: page(() => import('../pages/settings/Webhooks.svelte')) },
  '/settings/tenant': { title: 'Tenant', needs: ['settings.manage'], settings: true, load: page(() => import('../pages/settings/Tenant.svelte')) },
  '/settings/account': { title: 'Your account', needs: [], settings: true, load: page(() => import('../pages/settings/Account.svelte')) },
  '/tenants': { title: 'Tenants', needs: ['tenants.manage'], load: page(() => import('../pages/Tenants.svelte')) },
  '/sessions': { title: 'Sessions', needs: ['events.read'], load: page(() => import('../pages/Sessions.svelte')) },
  '/sessions/:id': { title: 'Session', needs: ['events.read'], load: page(() => import('../pages/Session.svelte')) },
  '/traces/:id': { title: 'Trace', needs: ['events.read'], load: page(() => import('../pages/Trace.svelte')) },
  '/explore': { title: 'Explore', needs: ['sql.query'], load: page(() => import('../pages/Explore.svelte')) },
  '/diagnostics': { title: 'Diagnostics', needs: ['events.read'], load: page(() => import('../pages/Diagnostics.svelte')) },
  '/signin': { title: 'Sign in', needs: [], open: true, load: page(() => import('../pages/SignIn.svelte')) },
  '/invite': { title: 'Accept an invite', needs: [], open: true, load: page(() => import('../pages/Invite.svelte')) },
};

/** The settings' own navigation, in order. */
export const SETTINGS = Object.entries(ROUTES).flatMap(([path, route]) =>
  route.settings && path !== '/settings' ? [{ path, title: route.title, needs: route.needs }] : [],
);

export interface Match {
  route: Route;
  props: Record<string, string>;
}

export function match(path: string): Match | null {
  const parts = path.replace(/(.)\/+$/, '$1').split('/');
  for (const [pattern, route] of Object.entries(ROUTES)) {
    const props = fit(pattern.split('/'), parts);
    if (props) return { route, props };
  }
  return null;
}

function fit(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const props: Record<string, string> = {};
  for (const [index, name] of pattern.entries()) {
    const part = parts[index]!;
    if (name.startsWith(':') && part !== '') props[name.slice(1)] = decode(part);
    else if (name !== part) return null;
  }
  return props;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
