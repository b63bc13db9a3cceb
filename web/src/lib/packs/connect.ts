// How a pack comes by its data: what to run or where to go, for each kind of source.
import { anySdk, claudeCode } from '../model/snippets';
import { VENDORS } from '../model/vendors';

export interface Way {
  /** Before the command or the link. */
  text: string;
  command?: string;
  link?: { href: string; text: string };
}

const NAMES: Record<string, string> = { claude_code: 'Claude Code', gen_ai: 'GenAI SDKs', app: 'your apps', otel: 'OpenTelemetry', audit: 'the audit trail', ...VENDORS };
export const sourceWords = (source: string): string => NAMES[source] ?? source.replaceAll('_', ' ');

interface Here {
  otlpHttp: string;
  http: string;
  anonymous: boolean;
}

export function waysOf(sources: string[], { otlpHttp, http, anonymous }: Here): Way[] {
  const token = anonymous ? '' : 'alg_i_…';
  const ways: Way[] = [];
  const hooks = sources.filter((source) => source in VENDORS) as (keyof typeof VENDORS)[];
  if (sources.includes('claude_code')) ways.push({ text: 'Run these in a shell, then start claude in the same shell and ask it something.', command: claudeCode('http/protobuf', otlpHttp, token) });
  if (hooks.length) ways.push({ text: `Make a webhook source for ${hooks.map((kind) => VENDORS[kind]).join(', ')}; its page says where to paste the address and the secret.`, link: { href: '/settings/webhooks', text: 'Settings, Webhooks' } });
  const rest = sources.filter((source) => source !== 'claude_code' && !(source in VENDORS) && source !== 'audit');
  if (rest.length || !ways.length) ways.push({ text: 'Set these for your service and start it. Logs, spans and metrics are accepted.', command: anySdk(otlpHttp, token) });
  if (rest.some((source) => source === 'native' || source === 'app')) ways.push({ text: 'Or post a message.', command: curl(http, token) });
  return ways;
}

const curl = (http: string, token: string): string =>
  [`curl ${http}/api/v1/messages \\`, ...(token ? [`  -H "Authorization: Bearer ${token}" \\`] : []), `  -H "Content-Type: application/json" \\`, `  -d '{"event_type": "app.started", "message": "hello"}'`].join('\n');
