// The portal against the real binary, through a real browser. The tests share one server; the first finds it empty, each
// of the others looks at a session of its own.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { apiError, apiRequest, sendEvents, storedEvents, toolResult } from './claude.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

const PROMPT_MS = 2000;
const MINUTE = 60_000;
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

const open = (search, options) => Portal.open(browser, server.base, search, options);

/** A session with three events, five minutes apart, in the past; newest first: llm, tool, error. */
async function seedSession() {
  const session = randomUUID();
  const now = Date.now();
  await sendEvents(server.otlp, [
    apiError(session, { at: now - 11 * MINUTE }),
    toolResult(session, { at: now - 6 * MINUTE }),
    apiRequest(session, { at: now - 1 * MINUTE }),
  ]);
  const items = await storedEvents(server.base, session, 3);
  const byClass = (name) => items.find((item) => item.event_class === name);
  return { session, items, llm: byClass('llm'), tool: byClass('tool'), error: byClass('error') };
}

test('an empty tenant shows how to connect, and turns into the feed when the first event arrives', async () => {
  const portal = await open();
  await portal.part('empty').waitFor();
  await portal.waitForText('commands', `OTEL_EXPORTER_OTLP_ENDPOINT=${server.otlp}`);
  await portal.page.getByRole('tab', { name: 'Claude Code, gRPC' }).click();
  await portal.waitForText('commands', 'OTEL_EXPORTER_OTLP_PROTOCOL=grpc');
  await portal.assertAccessible();
  await portal.waitForText('status', 'Listening');
  await portal.page.evaluate(() => (window.sameDocument = true));

  const session = randomUUID();
  await sendEvents(server.otlp, [apiRequest(session)]);
  await portal.waitForText('count', '1 event', { timeout: PROMPT_MS });
  const [event] = await storedEvents(server.base, session, 1);
  await portal.dot(event.id);
  await portal.row(event.id).waitFor();
  assert.equal(await portal.page.evaluate(() => window.sameDocument), true, 'the page was reloaded');
  await portal.close();
});

test('an acknowledged event has a dot and a row within 2 s', async () => {
  const session = randomUUID();
  const portal = await open(`?session_id=${session}`);
  await portal.waitForText('status', 'Live');
  await sendEvents(server.otlp, [toolResult(session)]);
  const row = portal.page.locator('tr[data-id]').first();
  await row.waitFor({ timeout: PROMPT_MS });
  await portal.dot(await row.getAttribute('data-id'), { timeout: PROMPT_MS });
  await portal.close();
});

test('the numbers on the page are the numbers that were sent', async () => {
  const { session, llm } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  await portal.waitForText('count', /^\s*3 events · last hour/);
  await portal.openDot(llm.id);
  await portal.part('panel').getByText('Attributes').waitFor();
  const shown = {};
  for (const name of ['input_tokens', 'output_tokens', 'cost_usd', 'model', 'session_id', 'duration_ns']) shown[name] = await portal.column(name).innerText();
  assert.deepEqual(shown, {
    input_tokens: '1,234',
    output_tokens: '567',
    cost_usd: '$0.012345',
    model: 'claude-sonnet-4-5',
    session_id: session,
    duration_ns: '1.50 s',
  });
  await portal.close();
});

test('a click on a dot opens the panel, arrows walk through the dots, Esc closes', async () => {
  const { session, llm, tool } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  await portal.openDot(llm.id);
  await portal.column('event_class').filter({ hasText: 'llm' }).waitFor();
  assert.equal(new URL(portal.page.url()).searchParams.get('id'), llm.id);
  await portal.assertAccessible();
  await portal.page.keyboard.press('ArrowLeft');
  await portal.column('event_class').filter({ hasText: 'tool' }).waitFor();
  assert.equal(new URL(portal.page.url()).searchParams.get('id'), tool.id);
  await portal.page.keyboard.press('Escape');
  await portal.part('panel').waitFor({ state: 'detached' });
  assert.equal(new URL(portal.page.url()).searchParams.get('id'), null);
  await portal.close();
});

test('in the table, arrows move and Enter opens', async () => {
  const { session, tool } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  await portal.row(tool.id).waitFor();
  await portal.page.getByRole('grid').focus();
  await portal.page.keyboard.press('ArrowDown');
  await portal.page.keyboard.press('ArrowDown');
  await portal.page.keyboard.press('Enter');
  await portal.column('tool_name').filter({ hasText: 'Bash' }).waitFor();
  await portal.close();
});

test('a pause holds new events back, resuming shows them', async () => {
  const session = randomUUID();
  const portal = await open(`?session_id=${session}`);
  await portal.waitForText('status', 'Live');
  await portal.page.keyboard.press('Space');
  await portal.waitForText('status', 'Paused');
  await sendEvents(server.otlp, [toolResult(session), apiRequest(session)]);
  await portal.waitForText('held', '2 new');
  await portal.waitForText('count', /^\s*0 events/);
  await portal.page.keyboard.press('Space');
  await portal.waitForText('status', 'Live');
  await portal.waitForText('count', /^\s*2 events/);
  for (const { id } of await storedEvents(server.base, session, 2)) await portal.dot(id);
  await portal.close();
});

test('range, legend and search decide what is shown, and all of it is in the URL', async () => {
  const { session, llm, tool, error } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  await portal.waitForText('count', /^\s*3 events · last hour/);
  await portal.page.locator('[data-range="5m"]').click();
  await portal.waitForText('count', /^\s*1 event · last 5 minutes/);
  await portal.gone(tool.id);
  await portal.page.locator('[data-range="15m"]').click();
  await portal.waitForText('count', /^\s*3 events · last 15 minutes/);
  await portal.legend('error').click();
  await portal.gone(error.id);
  await portal.waitForText('count', /^\s*2 events/);
  assert.match(portal.page.url(), /range=15m/);
  assert.match(portal.page.url(), /hide=error/);

  // The same URL in a fresh browser is the same view.
  const second = await open(new URL(portal.page.url()).search + `&id=${llm.id}`);
  await second.waitForText('count', /^\s*2 events · last 15 minutes/);
  await second.part('panel').waitFor();
  await second.gone(error.id);
  await second.close();

  await portal.page.keyboard.press('/');
  await portal.page.keyboard.type('no-such-word-anywhere');
  await portal.waitForText('nothing', 'Nothing matches');
  assert.match(portal.page.url(), /q=no-such-word-anywhere/);
  await portal.close();
});

test('a drag on the chart zooms, the browser goes back', async () => {
  const { session, llm, tool } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  const { x, y } = await portal.dot(tool.id);
  await portal.page.mouse.move(x - 30, y);
  await portal.page.mouse.down();
  await portal.page.mouse.move(x + 30, y, { steps: 4 });
  await portal.page.mouse.up();
  await portal.waitForText('status', 'Fixed range');
  await portal.waitForText('count', /^\s*1 event/);
  await portal.dot(tool.id);
  await portal.gone(llm.id);
  await portal.page.goBack();
  await portal.waitForText('count', /^\s*3 events · last hour/);
  await portal.close();
});

test('a value in the panel becomes a filter chip that can be removed', async () => {
  const { llm, session } = await seedSession();
  await seedSession();
  const portal = await open();
  // By its row: among the dots of all tests another one may lie on the same pixel.
  await portal.row(llm.id).click();
  await portal.column('session_id').getByRole('button').click();
  await portal.waitForText('count', /^\s*3 events/);
  assert.equal(new URL(portal.page.url()).searchParams.get('session_id'), session);
  await portal.page.locator('[data-filter="session_id"]').click();
  await portal.part('count').filter({ hasNotText: /^\s*3 events/ }).waitFor();
  await portal.close();
});

for (const width of [390, 1440]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${width} px wide, ${colorScheme}: nothing sticks out, and it is accessible`, async () => {
      const { session, llm } = await seedSession();
      const portal = await open(`?session_id=${session}`, { colorScheme, viewport: { width, height: 844 } });
      await portal.dot(llm.id);
      assert.equal(await portal.page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
      await portal.assertNoSidewaysScroll();
      await portal.assertAccessible();
      await portal.row(llm.id).click();
      await portal.part('panel').getByText('Attributes').waitFor();
      await portal.assertNoSidewaysScroll();
      await portal.assertAccessible();
      await portal.close();
    });
  }
}

test('the theme is remembered', async () => {
  const portal = await open('', { colorScheme: 'light' });
  await portal.page.getByRole('button', { name: 'Switch to dark theme' }).click();
  await portal.page.reload();
  await portal.page.getByRole('button', { name: 'Switch to light theme' }).waitFor();
  await portal.close();
});

test('while the server does not answer the page says so and what to do, and recovers by itself', async () => {
  const { session } = await seedSession();
  const portal = await open(`?session_id=${session}`);
  await portal.waitForText('count', /^\s*3 events/);
  await portal.context.route('**/api/**', (route) => route.abort());
  await portal.page.locator('[data-range="15m"]').click();
  await portal.waitForText('banner', 'Retry in');
  await portal.context.unroute('**/api/**');
  await portal.waitForText('count', /^\s*3 events · last 15 minutes/);
  await portal.part('banner').waitFor({ state: 'detached' });
  // The refused requests are what this test is about.
  portal.complaints = portal.complaints.filter((text) => !text.includes('ERR_FAILED'));
  await portal.close();
});
