// What happened, in words, and how it went: never by colour alone.

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

const WORDS: Record<string, string> = {
  'auth.login': 'Signed in',
  'auth.login_failed': 'Sign-in failed',
  'auth.logout': 'Signed out',
  'auth.mfa_enrol': 'Second factor set up',
  'auth.mfa_remove': 'Second factor removed',
  'auth.mfa_failed': 'Wrong code',
  'auth.password_change': 'Password changed',
  'token.mint': 'Token minted',
  'token.revoke': 'Token revoked',
  'invite.issue': 'Invited',
  'invite.accept': 'Invite accepted',
  'invite.revoke': 'Invite revoked',
  'user.add': 'Person added',
  'user.edit': 'Person edited',
  'user.delete': 'Person deleted',
  'user.role_change': 'Role changed',
  'role.add': 'Role added',
  'role.edit': 'Role edited',
  'role.delete': 'Role deleted',
  'role.reassign_and_delete': 'Role replaced',
  'project.add': 'Project added',
  'project.edit': 'Project edited',
  'project.delete': 'Project deleted',
  'membership.add': 'Member added',
  'membership.remove': 'Member removed',
  'webhook.add': 'Webhook added',
  'webhook.edit': 'Webhook edited',
  'webhook.delete': 'Webhook deleted',
  'tenant.add': 'Tenant added',
  'tenant.edit': 'Tenant edited',
  'tenant.delete': 'Tenant deleted',
  'pack.enable': 'Pack enabled',
  'pack.disable': 'Pack disabled',
  'export.activity': 'Activity exported',
  'sql.query': 'SQL query',
  'settings.edit': 'Settings changed',
  'system.setup': 'First start',
};

const BAD = /(_failed|\.failed|\.error|denied|blocked)$/;
const WARN = /\.(delete|deleted|remove|removed|revoke|revoked|disable|disabled|reassign_and_delete|mfa_remove|role_change)$|^auth\.mfa_remove$/;
const GOOD = /\.(add|mint|issue|accept|enable|created|succeeded|completed|mfa_enrol|login)$/;

/** An app's own actions read as they are written: `task.failed` is "Task failed". */
export function actionWords(action: string): string {
  const text = WORDS[action] ?? action.replace(/[._]+/g, ' ').trim();
  return text ? text[0]!.toUpperCase() + text.slice(1) : 'Unnamed';
}

export function actionTone(action: string): Tone {
  if (BAD.test(action)) return 'bad';
  if (WARN.test(action)) return 'warn';
  return GOOD.test(action) ? 'good' : 'plain';
}

/** Metadata on one line. */
export function brief(metadata: Record<string, unknown>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' · ');
}
