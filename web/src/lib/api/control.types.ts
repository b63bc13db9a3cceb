// The shapes of the control side of the API, by the names that the pages use. They come from the API's own description
// (`npm run types`), so that a change of the API that the pages do not follow fails the check.
import type { components } from './openapi';

type Schemas = components['schemas'];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

/** Newest first. */
export interface CursorPage<T> {
  items: T[];
  next_before_cursor?: string | null;
  newest_cursor?: string | null;
}

export type Session = Schemas['SessionAnswer'];
export type TotpOffer = Schemas['Enrolled'];
export type RecoveryCodes = Schemas['Recovery'];
export type Invited = Schemas['Invited'];

export type User = Schemas['UserItem'];
export type Role = Schemas['RoleItem'];
export type Project = Schemas['ProjectItem'];
export type Member = Schemas['MemberItem'];
export type Invite = Schemas['InviteItem'];
export type IssuedInvite = Schemas['IssuedInvite'];

export type Token = Schemas['TokenItem'];
export type TokenKind = Schemas['TokenKind'];
export type MintedToken = Schemas['MintedToken'];

export type Webhook = Schemas['WebhookItem'];
export type WebhookKind = Schemas['WebhookItem']['kind'];
export type MadeWebhook = Schemas['MadeWebhook'];

export type Tenant = Schemas['TenantItem'];
export type Settings = Schemas['TenantItem'];
export type Tier = Schemas['Tier'];
/** Empty: as the configuration says. */
export type Capture = Schemas['Capture'];

export type ActivityItem = Schemas['Feed']['items'][number];
export type AuditEntry = Schemas['Trail']['items'][number];
export type AuditUser = Schemas['Users']['items'][number];
