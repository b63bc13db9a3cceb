// Sends spans, and logs within them, as OTLP/JSON.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

export const hex = (bytes) => randomBytes(bytes).toString('hex');
const attributes = (map) => Object.entries(map).map(([key, raw]) => ({ key, value: typeof raw === 'number' ? { intValue: String(raw) } : { stringValue: raw } }));
const nanos = (ms) => `${Math.round(ms * 1000)}000`;

async function post(otlp, path, body) {
  const response = await fetch(otlp + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(response.status, 200, await response.text());
}

/** `spans`: [{ service, name, id, parent, at, ms, failed, ...attributes }], all of one trace. */
export async function sendSpans(otlp, trace, spans) {
  const services = [...new Set(spans.map(({ service }) => service))];
  const resourceSpans = services.map((service) => ({
    resource: { attributes: attributes({ 'service.name': service }) },
    scopeSpans: [
      {
        scope: { name: 'test' },
        spans: spans.filter((span) => span.service === service).map(({ service: _, name, id, parent, at, ms, failed, ...rest }) => ({
          traceId: trace,
          spanId: id,
          ...(parent ? { parentSpanId: parent } : {}),
          name,
          kind: parent ? 1 : 2,
          startTimeUnixNano: nanos(at),
          endTimeUnixNano: nanos(at + ms),
          attributes: attributes(rest),
          status: failed ? { code: 2, message: 'it failed' } : {},
        })),
      },
    ],
  }));
  await post(otlp, '/v1/traces', { resourceSpans });
}

/** `logs`: [{ service, span, at, text }] of one trace. */
export async function sendLogs(otlp, trace, logs) {
  const resourceLogs = logs.map(({ service, span, at, text }) => ({
    resource: { attributes: attributes({ 'service.name': service }) },
    scopeLogs: [{ scope: { name: 'test' }, logRecords: [{ timeUnixNano: nanos(at), traceId: trace, spanId: span, severityNumber: 9, severityText: 'INFO', body: { stringValue: text } }] }],
  }));
  await post(otlp, '/v1/logs', { resourceLogs });
}

/** Asks until it holds. */
export async function until(ask, holds, what) {
  for (const end = Date.now() + 15_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const answer = await ask();
    if (holds(answer)) return answer;
  }
  return assert.fail(`${what} did not come`);
}

/** A shop's request through three services, one of which fails. */
export async function sendShopTrace(otlp) {
  const trace = hex(16);
  const [web, cart, pay, db, mail] = Array.from({ length: 5 }, () => hex(8));
  const at = Date.now() - 60_000;
  await sendSpans(otlp, trace, [
    { service: 'storefront', name: 'POST /checkout', id: web, at, ms: 480 },
    { service: 'cart', name: 'load cart', id: cart, parent: web, at: at + 20, ms: 120 },
    { service: 'cart', name: 'SELECT items', id: db, parent: cart, at: at + 30, ms: 90 },
    { service: 'payments', name: 'charge card', id: pay, parent: web, at: at + 160, ms: 300, failed: true },
    { service: 'storefront', name: 'send mail', id: mail, parent: hex(8), at: at + 465, ms: 10 },
  ]);
  await sendLogs(otlp, trace, [
    { service: 'payments', span: pay, at: at + 200, text: 'the card was declined' },
    { service: 'payments', span: pay, at: at + 210, text: 'rolling back' },
  ]);
  return { trace, web, cart, pay, db, mail };
}

/** A trace of so many spans in a comb: roots of ten. */
export async function sendLongTrace(otlp, count) {
  const trace = hex(16);
  const root = hex(8);
  const at = Date.now() - 120_000;
  const spans = [{ service: 'batch', name: 'nightly run', id: root, at, ms: count * 5 }];
  for (let group = 0; spans.length < count; group++) {
    const parent = hex(8);
    spans.push({ service: 'batch', name: `group ${group}`, id: parent, parent: root, at: at + group * 50, ms: 48 });
    for (let item = 0; item < 9 && spans.length < count; item++) spans.push({ service: 'worker', name: `item ${group}.${item}`, id: hex(8), parent, at: at + group * 50 + item * 5, ms: 4 });
  }
  await sendSpans(otlp, trace, spans);
  return trace;
}
