// Sends what Claude Code sends: OTLP/JSON log records of its events scope.
import assert from 'node:assert/strict';

let sequence = 0;

const value = (raw) => (typeof raw === 'number' ? (Number.isInteger(raw) ? { intValue: String(raw) } : { doubleValue: raw }) : { stringValue: raw });
const attributes = (map) => Object.entries(map).map(([key, raw]) => ({ key, value: value(raw) }));

/** `events`: [{ name: 'api_request', at: ms since 1970, ...attributes }]; resolves once they are acknowledged. */
export async function sendEvents(otlp, events) {
  const logRecords = events.map(({ name, at = Date.now(), ...rest }) => ({
    timeUnixNano: `${at}000000`,
    observedTimeUnixNano: `${at}000000`,
    body: { stringValue: `claude_code.${name}` },
    attributes: attributes({
      'event.name': name,
      'event.sequence': sequence++,
      'event.timestamp': new Date(at).toISOString(),
      'user.id': 'user-1',
      'terminal.type': 'vscode',
      ...rest,
    }),
  }));
  const response = await fetch(`${otlp}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: attributes({ 'service.name': 'claude-code', 'service.version': '2.1.329' }) },
          scopeLogs: [{ scope: { name: 'com.anthropic.claude_code.events', version: '2.1.329' }, logRecords }],
        },
      ],
    }),
  });
  assert.equal(response.status, 200, await response.text());
}

export const apiRequest = (session, extra = {}) => ({
  name: 'api_request',
  'session.id': session,
  model: 'claude-sonnet-4-5',
  request_id: `req_${session}_${sequence}`,
  input_tokens: 1234,
  output_tokens: 567,
  cache_read_tokens: 89,
  cache_creation_tokens: 10,
  cost_usd: 0.012345,
  duration_ms: 1500,
  ...extra,
});

export const toolResult = (session, extra = {}) => ({ name: 'tool_result', 'session.id': session, tool_name: 'Bash', success: 'true', duration_ms: 40, ...extra });
export const apiError = (session, extra = {}) => ({ name: 'api_error', 'session.id': session, model: 'claude-sonnet-4-5', error: 'overloaded', status_code: 529, ...extra });

/** The events of a session as the API has them, once there are `count` of them. */
export async function storedEvents(base, session, count) {
  for (const end = Date.now() + 10_000; Date.now() < end; ) {
    const response = await fetch(`${base}/api/v1/messages?session_id=${session}&from=1970-01-01T00:00:00Z`);
    const { items } = await response.json();
    if (items.length >= count) return items;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`the API does not return ${count} events of ${session}`);
}
