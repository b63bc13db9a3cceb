// "I see nothing": the steps tick themselves off as a sender gets it wrong, and then right.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { apiRequest, sendEvents } from './claude.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

const POLL_MS = 15_000;
let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = async () => {
  const portal = await Portal.open(browser, server.base, null);
  await portal.visit('/diagnostics');
  return portal;
};
const step = (portal, title) => portal.part('steps').getByRole('listitem').filter({ hasText: title });
const is = (portal, title, state) => portal.part('steps').locator(`[data-state="${state}"]`).filter({ hasText: title }).waitFor({ timeout: POLL_MS });

test('from nothing, over what is turned away, to what is stored', async () => {
  const portal = await open();
  await is(portal, 'The server is up', 'done');
  await is(portal, 'Something arrived', 'waiting');
  await portal.part('nothing-arrived').waitFor();
  await portal.waitForText('commands', `OTEL_EXPORTER_OTLP_ENDPOINT=${server.otlp}`);
  await portal.page.getByRole('tab', { name: 'Webhooks' }).click();
  await portal.waitForText('commands', 'activitylog webhook add');
  await portal.assertLooks();

  const refused = await fetch(`${server.otlp}/v1/logs`, { method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': 'broken-exporter/1.0' }, body: '{"resourceLogs": 7}' });
  assert.equal(refused.status, 400);
  await is(portal, 'Accepted', 'failed');
  await portal.part('rejections').getByText('broken-exporter/1.0').waitFor();
  await portal.part('hints').waitFor();
  await portal.assertLooks();

  await sendEvents(server.otlp, [apiRequest(randomUUID(), { model: 'nobody-knows-1', cost_usd: undefined })]);
  await is(portal, 'Accepted', 'done');
  await is(portal, 'Stored', 'done');
  await portal.part('sources').getByText('claude-code').first().waitFor();
  await portal.part('stored').getByRole('link', { name: 'Events of claude_code' }).waitFor();
  await portal.assertLooks();
  assert.match(await step(portal, 'Stored').innerText(), /1 event/);
  await portal.close();
});

test('while it loads, when the server does not answer, and when it does again', async () => {
  const portal = await Portal.open(browser, server.base, null);
  let answer = () => {};
  await portal.context.route('**/api/v1/diagnostics', (route) => answer(route));
  await portal.visit('/diagnostics');
  await portal.page.getByRole('status').filter({ hasText: 'Loading' }).waitFor();
  await portal.assertAccessible();
  await portal.context.unrouteAll();
  answer = (route) => route.abort();
  await portal.context.route('**/api/v1/diagnostics', (route) => answer(route));
  await portal.visit('/diagnostics');
  await portal.waitForText('failure', 'does not answer');
  await portal.assertLooks();
  await portal.context.unrouteAll();
  await is(portal, 'The server is up', 'done');
  await portal.part('failure').waitFor({ state: 'detached' });
  portal.complaints = portal.complaints.filter((text) => !text.includes('ERR_FAILED'));
  await portal.close();
});
