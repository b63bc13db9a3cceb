// One function per endpoint of the control side.
import { send, type Params } from './client';
import type {
  ActivityItem, AuditEntry, AuditUser, CursorPage, Invite, Invited, IssuedInvite, MadeWebhook, Member, MintedToken, Page, Project, RecoveryCodes, Role, Session,
  Settings, Tenant, Token, TotpOffer, User, Webhook,
} from './control.types';

const V1 = '/api/v1';
const enc = encodeURIComponent;

const list = <T>(path: string) => (params: Params = {}, signal?: AbortSignal) => send<Page<T>>(V1 + path, { params, signal });
const post = <T>(path: string, body: unknown = {}) => send<T>(V1 + path, { method: 'POST', body });
const patch = <T>(path: string, body: unknown) => send<T>(V1 + path, { method: 'PATCH', body });
const remove = (path: string) => send<void>(V1 + path, { method: 'DELETE' });

export interface SignIn {
  email: string;
  password: string;
  tenant?: string;
  code?: string;
}

export const session = {
  get: (signal?: AbortSignal) => send<Session>(`${V1}/session`, { signal, mayBeUnknown: true }),
  signIn: (body: SignIn) => send<Session>(`${V1}/session`, { method: 'POST', body, mayBeUnknown: true }),
  signOut: () => send<void>(`${V1}/session`, { method: 'DELETE', mayBeUnknown: true }),
  // A wrong current password may well be a 401, and the session holds on.
  changePassword: (current: string, fresh: string) =>
    send<void>(`${V1}/me/password`, { method: 'POST', body: { current, new: fresh }, mayBeUnknown: true }),
};

export const totp = {
  begin: () => post<TotpOffer>('/me/totp'),
  verify: (code: string) => send<RecoveryCodes>(`${V1}/me/totp/verify`, { method: 'POST', body: { code }, mayBeUnknown: true }),
  remove: (password: string) => send<void>(`${V1}/me/totp/remove`, { method: 'POST', body: { password }, mayBeUnknown: true }),
};

export const invites = {
  list: list<Invite>('/invites'),
  issue: (body: { email: string; role: string; projects?: string[]; expires_in_hours?: number }) => post<IssuedInvite>('/invites', body),
  revoke: (id: string) => remove(`/invites/${enc(id)}`),
  lookup: (secret: string) =>
    send<Invited>(`${V1}/invites/lookup`, { method: 'POST', body: { secret }, mayBeUnknown: true }),
  accept: (body: { secret: string; name: string; password: string }) =>
    send<Session>(`${V1}/invites/accept`, { method: 'POST', body, mayBeUnknown: true }),
};

export const users = {
  list: list<User>('/users'),
  add: (body: { email: string; name: string; role: string; password?: string }) => post<User>('/users', body),
  edit: (id: string, body: Partial<Pick<User, 'name' | 'role' | 'disabled'>>) => patch<User>(`/users/${enc(id)}`, body),
  remove: (id: string) => remove(`/users/${enc(id)}`),
};

export const roles = {
  list: list<Role>('/roles'),
  permissions: () => send<{ items: string[] }>(`${V1}/permissions`),
  add: (body: Pick<Role, 'name' | 'description' | 'permissions'>) => post<Role>('/roles', body),
  edit: (name: string, body: Partial<Pick<Role, 'description' | 'permissions'>>) => patch<Role>(`/roles/${enc(name)}`, body),
  remove: (name: string) => remove(`/roles/${enc(name)}`),
  reassignAndRemove: (name: string, to: string) => post<{ moved: number }>(`/roles/${enc(name)}/reassign_and_delete`, { to }),
};

export const projects = {
  list: list<Project>('/projects'),
  add: (body: Pick<Project, 'slug' | 'name' | 'description'>) => post<Project>('/projects', body),
  edit: (slug: string, body: Partial<Pick<Project, 'name' | 'description'>>) => patch<Project>(`/projects/${enc(slug)}`, body),
  remove: (slug: string) => remove(`/projects/${enc(slug)}`),
  members: (slug: string, params: Params = {}, signal?: AbortSignal) => list<Member>(`/projects/${enc(slug)}/members`)(params, signal),
  addMember: (slug: string, user: string) => send<void>(`${V1}/projects/${enc(slug)}/members/${enc(user)}`, { method: 'PUT' }),
  removeMember: (slug: string, user: string) => remove(`/projects/${enc(slug)}/members/${enc(user)}`),
};

export const tokens = {
  list: list<Token>('/tokens'),
  mint: (body: { kind: string; name: string; project?: string; permissions?: string[]; expires_in_days?: number }) =>
    post<MintedToken>('/tokens', body),
  revoke: (id: string) => remove(`/tokens/${enc(id)}`),
};

export const webhooks = {
  list: list<Webhook>('/webhooks'),
  add: (body: { kind: string; name: string; project?: string; user?: string; secret?: string }) => post<MadeWebhook>('/webhooks', body),
  edit: (id: string, body: { name?: string; project?: string }) => patch<Webhook>(`/webhooks/${enc(id)}`, body),
  rotate: (id: string, keep_hours: number) => post<MadeWebhook>(`/webhooks/${enc(id)}/rotate`, { keep_hours }),
  remove: (id: string) => remove(`/webhooks/${enc(id)}`),
};

export const settings = {
  get: (signal?: AbortSignal) => send<Settings>(`${V1}/settings`, { signal }),
  edit: (body: Partial<Pick<Settings, 'name' | 'retention_days' | 'capture' | 'monthly_budget_usd'>>) => patch<Settings>('/settings', body),
};

export const tenants = {
  list: list<Tenant>('/tenants'),
  add: (body: Pick<Tenant, 'id' | 'name' | 'tier'>) => post<Tenant>('/tenants', body),
  edit: (id: string, body: Partial<Omit<Tenant, 'id' | 'effective' | 'created_at'>>) => patch<Tenant>(`/tenants/${enc(id)}`, body),
  remove: (id: string) => remove(`/tenants/${enc(id)}`),
};

export const activity = {
  all: (params: Params, signal?: AbortSignal) => send<CursorPage<ActivityItem>>(`${V1}/activity`, { params, signal }),
  ofProject: (slug: string) => (params: Params, signal?: AbortSignal) =>
    send<CursorPage<ActivityItem>>(`${V1}/projects/${enc(slug)}/audit`, { params, signal }),
};

export const audit = {
  activity: (params: Params, signal?: AbortSignal) => send<CursorPage<AuditEntry>>(`${V1}/audit/activity`, { params, signal }),
  users: (params: Params, signal?: AbortSignal) => send<{ items: AuditUser[] }>(`${V1}/audit/users`, { params, signal }),
  exportPath: (user: string) => `${V1}/audit/activity/export.csv?user_id=${enc(user)}`,
};
