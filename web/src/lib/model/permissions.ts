// What each permission means, in words. One that this build does not know is shown by its name.
const WORDS: Record<string, string> = {
  'events.read': 'See messages, sessions, traces and panels',
  'events.write': 'Send events',
  'sql.query': 'Ask in SQL, and from Grafana',
  'projects.all': 'See every project, and what belongs to none',
  'addresses.read': 'See network addresses in the activity feed',
  'audit.read': 'Read the audit trail of everybody',
  'users.manage': 'Add, change and remove people; invites',
  'roles.manage': 'Add, change and remove roles',
  'projects.manage': 'Add, change and remove projects; their members',
  'tokens.manage': "Ingest tokens, and the API tokens of others",
  'webhooks.manage': 'Webhook sources',
  'packs.manage': 'Switch packs of panels on and off',
  'settings.manage': "The tenant's settings",
  'tenants.manage': 'All tenants of this installation',
};

export const permissionWords = (name: string): string => WORDS[name] ?? '';
