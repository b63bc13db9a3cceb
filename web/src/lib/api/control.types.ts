// The shapes of the control side of the API: who may do what, and what was done.

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Session {
  user: { id: string; email: string; name: string; role: string } | null;
  csrf_token: string | null;
  anonymous: boolean;
  must_change_password: boolean;
  mfa_enrolled: boolean;
  methods: { password: boolean; proxy: boolean; oidc: { name: string; start: string } | null };
}

export interface User {
  id: string;
  email: string;
  name: string;
  role: string;
  disabled: boolean;
  mfa_enrolled: boolean;
  projects: string[];
  created_at: string;
}

export interface Role {
  name: string;
  description: string;
  permissions: string[];
  built_in: boolean;
  users: number;
}

export interface Project {
  id: string;
  slug: string;
  name: string;
  description: string;
  members: number;
  created_at: string;
}

export interface Member {
  user_id: string;
  email: string;
  name: string;
  role: string;
}

export type TokenKind = 'ingest' | 'api';

export interface Token {
  id: string;
  kind: TokenKind;
  name: string;
  prefix: string;
  user_id: string;
  project: string;
  permissions: string[];
  created_at: string;
  expires_at: string | null;
}

export interface Invite {
  id: string;
  email: string;
  role: string;
  projects: string[];
  created_at: string;
  expires_at: string;
}

export type WebhookKind = 'github' | 'azure_devops' | 'gitlab' | 'standard';

export interface Webhook {
  id: string;
  kind: WebhookKind;
  name: string;
  project: string;
  user: string;
  url: string;
  created_at: string;
  last_received: string | null;
  deliveries: number;
}

export type Tier = 'free' | 'pro' | 'enterprise';
/** Empty: as the configuration says. */
export type Capture = '' | 'on' | 'off';

/** Zero: as the tier says. */
export interface Limits {
  retention_days: number;
  records_per_second: number;
  bytes_per_day: number;
}

export interface Tenant extends Limits {
  id: string;
  name: string;
  tier: Tier;
  capture: Capture;
  effective?: Limits;
}

export interface Settings extends Tenant {
  effective: Limits;
}

export interface ActivityItem {
  id: string;
  project_id: string | null;
  project_slug: string | null;
  user_id: string | null;
  action: string;
  target_type: string | null;
  target_id: string | null;
  result: string;
  outcome: string;
  metadata: Record<string, unknown>;
  source_ip: string | null;
  occurred_at: string;
}

export interface AuditEntry {
  id: string;
  timestamp: string;
  event_type: string;
  description: string;
  customer_id: string;
  user_id: string;
  correlation_id: string;
  metadata: Record<string, unknown>;
}

/** Newest first. */
export interface CursorPage<T> {
  items: T[];
  next_before_cursor: string | null;
  newest_cursor: string | null;
}

export interface AuditUser {
  id: string;
  name: string;
  email: string;
  role: string;
}
