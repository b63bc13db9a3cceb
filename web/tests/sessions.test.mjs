// Sessions and traces: the list, the waterfall by mouse and by keyboard, and the ways from one to the other.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { apiError, apiRequest, sendEvents, storedEvents, toolResult } from './claude.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';
import { sendLongTrace, sendShopTrace, until } from './spans.mjs';

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

const steps = (portal) => portal.page.locator('[data-step]');
const step = (portal, text) => steps(portal).filter({ hasText: text });
const tree = (portal) => portal.part('waterfall');
async function open(path, options) {
  const portal = await Portal.open(browser, server.base, null, options);
  await portal.visit(path);
  return portal;
}
const url = (portal) => new URL(portal.page.url());
const get = async (path) => {
  const response = await fetch(server.base + path);
  return response.ok ? response.json() : null;
};

/** Two prompts, eight minutes apart: one with a model request and a tool, one whose request fails. */
async function seedSession(extra = {}) {
  const session = randomUUID();
  const at = Date.now() - 10 * MINUTE;
  const [first, second] = [randomUUID(), randomUUID()];
  const prompt = (id, when) => ({ name: 'user_prompt', 'session.id': session, 'prompt.id': id, prompt_length: 12, at: when, ...extra });
  await sendEvents(server.otlp, [
    prompt(first, at),
    apiRequest(session, { 'prompt.id': first, at: at + 4000, duration_ms: 3500, ...extra }),
    toolResult(session, { 'prompt.id': first, at: at + 5000, duration_ms: 700, ...extra }),
    prompt(second, at + 8 * MINUTE),
    apiError(session, { 'prompt.id': second, at: at + 8 * MINUTE + 2000, ...extra }),
  ]);
  await storedEvents(server.base, session, 5);
  return session;
}
const seedTrace = async () => {
  const ids = await sendShopTrace(server.otlp);
  await until(() => get(`/api/v1/traces/${ids.trace}`), (trace) => trace?.spans_total === 5 && JSON.stringify(trace).includes('rolling back'), 'the trace');
  return ids;
};

test('without sessions the page says what brings one', async () => {
  const portal = await open('/sessions');
  await portal.waitForText('nothing', 'Diagnostics');
  await portal.assertLooks();
  await portal.close();
});

test('the list: filtered in the address, opened by the keyboard, downloaded', async () => {
  const session = await seedSession({ 'user.email': 'ada@example.com' });
  const other = await seedSession({ 'user.email': 'bob@example.com' });
  const portal = await open('/sessions');
  await portal.page.locator(`[data-session="${session}"]`).waitFor();
  await portal.page.locator(`[data-session="${other}"]`).waitFor();
  await portal.assertLooks();

  const [download] = await Promise.all([portal.page.waitForEvent('download'), portal.page.locator('[data-export="csv"]').click()]);
  assert.match(await readFile(await download.path(), 'utf8'), new RegExp(session));

  await portal.page.keyboard.press('/');
  await portal.page.keyboard.type(session.slice(0, 13));
  await portal.page.locator(`[data-session="${other}"]`).waitFor({ state: 'detached' });
  assert.equal(url(portal).searchParams.get('q'), session.slice(0, 13));
  await portal.page.keyboard.press('ArrowDown');
  await portal.page.keyboard.press('Enter');
  await portal.page.waitForURL(`**/sessions/${session}`);
  await tree(portal).waitFor();
  await portal.page.goBack();
  await portal.page.locator(`[data-session="${session}"]`).waitFor();

  await portal.visit(`/sessions?range=24h&model=no-such-model`);
  await portal.waitForText('nothing', 'No session matches');
  await portal.close();
});

test('older sessions come on request, and by the keyboard at the end of the list', async () => {
  const at = Date.now() - 40 * MINUTE;
  await sendEvents(server.otlp, Array.from({ length: 105 }, (_, index) => apiRequest(`many-${index}`, { request_id: `req_many_${index}`, at: at - index * 1000 })));
  await until(() => get('/api/v1/sessions?q=many-&limit=200'), (page) => page?.items.length === 105, 'the sessions');
  const portal = await open('/sessions?q=many-');
  const rows = portal.page.locator('[data-session]');
  await rows.first().waitFor();
  assert.equal(await rows.count(), 100);
  assert.equal(await rows.first().getAttribute('data-session'), 'many-0');
  await portal.page.getByRole('grid').focus();
  await portal.page.keyboard.press('End');
  await portal.page.locator('[data-session="many-104"]').waitFor();
  assert.equal(await rows.count(), 105);
  await portal.page.getByText('105 sessions in this time.').waitFor();
  await portal.close();
});

test('a session is a waterfall that the keyboard alone walks, folds and opens', async () => {
  const session = await seedSession();
  const portal = await open(`/sessions/${session}`);
  await tree(portal).waitFor();
  assert.deepEqual(await steps(portal).evaluateAll((rows) => rows.map((row) => row.dataset.kind)), ['prompt', 'model', 'tool', 'prompt', 'error']);
  await step(portal, 'failed').waitFor();
  await step(portal, '$0.012345').waitFor();
  await portal.assertLooks();

  await tree(portal).focus();
  await portal.page.keyboard.press('ArrowDown');
  await portal.page.keyboard.press('ArrowLeft');
  await portal.page.waitForFunction(() => document.querySelectorAll('[data-step]').length === 3);
  assert.ok(url(portal).searchParams.get('folded'));
  await portal.page.keyboard.press('ArrowRight');
  await portal.page.waitForFunction(() => document.querySelectorAll('[data-step]').length === 5);
  await portal.page.keyboard.press('ArrowRight');
  await portal.page.keyboard.press('Enter');
  await portal.part('panel').getByRole('heading', { name: 'claude_code.api_request' }).waitFor();
  await portal.page.keyboard.press('ArrowDown');
  await portal.part('panel').getByRole('heading', { name: 'claude_code.tool_result' }).waitFor();
  await portal.assertLooks();
  const shared = url(portal);
  await portal.page.keyboard.press('Escape');
  await portal.part('panel').waitFor({ state: 'detached' });
  assert.equal(url(portal).searchParams.get('id'), null);

  const second = await open(shared.pathname + shared.search);
  await second.part('panel').getByRole('heading', { name: 'claude_code.tool_result' }).waitFor();
  await second.close();

  // Eight idle minutes are narrow, until one wants to see them.
  const width = async () => (await step(portal, '3.50 s').locator('.bar').boundingBox()).width;
  const narrow = await width();
  await portal.page.getByLabel('Narrow idle time').uncheck();
  await portal.page.waitForFunction(() => location.search.includes('idle=true'));
  assert.ok((await width()) < narrow / 2);

  await portal.part('events').click();
  await portal.waitForText('count', /^\s*5 events/);
  assert.equal(url(portal).searchParams.get('session_id'), session);
  await portal.close();
});

test('from an event to its session and to its trace', async () => {
  const session = await seedSession();
  const { trace } = await seedTrace();
  const portal = await open(`/?session_id=${session}`);
  const [{ id }] = await storedEvents(server.base, session, 5);
  await portal.row(id).click();
  await portal.part('panel').locator('[data-link="session"]').click();
  await tree(portal).waitFor();
  await portal.part('panel').waitFor();
  assert.equal(portal.path(), `/sessions/${session}`);

  await portal.visit(`/?trace_id=${trace}`);
  await portal.page.locator('tr[data-id]').filter({ hasText: 'charge card' }).click();
  await portal.part('panel').locator('[data-link="trace"]').click();
  await portal.page.waitForURL(`**/traces/${trace}?id=*`);
  await step(portal, 'charge card').waitFor();
  await portal.close();
});

test('a trace: its tree across services, the failure, the logs of a span, search and zoom', async () => {
  const { trace } = await seedTrace();
  const portal = await open(`/traces/${trace}`);
  await tree(portal).waitFor();
  const levels = await steps(portal).evaluateAll((rows) => rows.map((row) => [row.querySelector('.text').textContent, row.ariaLevel]));
  assert.deepEqual(levels, [['POST /checkout', '1'], ['load cart', '2'], ['SELECT items', '3'], ['charge card', '2'], ['send mail', '1']]);
  await step(portal, 'charge card').filter({ hasText: 'failed' }).waitFor();
  await step(portal, 'send mail').filter({ hasText: 'no parent' }).waitFor();
  await portal.assertLooks();

  await step(portal, 'charge card').click();
  await portal.part('logs').getByRole('button', { name: /the card was declined/ }).click();
  await portal.part('panel').locator('.message').filter({ hasText: 'the card was declined' }).waitFor();
  await portal.assertLooks();
  await portal.page.keyboard.press('Escape');
  await portal.part('panel').waitFor({ state: 'detached' });

  await portal.page.keyboard.press('/');
  await portal.page.keyboard.type('items');
  await portal.waitForText('rows', '3 of 5 rows');
  await portal.page.keyboard.press('Escape');
  await portal.waitForText('rows', /^\s*5 rows/);

  const bar = () => step(portal, 'load cart').locator('.bar').boundingBox();
  const before = (await bar()).width;
  const ruler = await portal.part('ruler').boundingBox();
  await portal.page.mouse.move(ruler.x + 2, ruler.y + 10);
  await portal.page.mouse.down();
  await portal.page.mouse.move(ruler.x + ruler.width / 2, ruler.y + 10, { steps: 4 });
  await portal.page.mouse.up();
  await portal.page.waitForFunction(() => location.search.includes('zoom='));
  assert.ok((await bar()).width > before * 1.8);
  await portal.page.getByRole('button', { name: 'Whole time' }).click();
  await portal.page.waitForFunction(() => !location.search.includes('zoom='));
  await portal.close();
});

test('two thousand spans: folded at first, and only what is on screen is drawn', async () => {
  const trace = await sendLongTrace(server.otlp, 2000);
  await until(() => get(`/api/v1/traces/${trace}`), (answer) => answer?.spans_total === 2000, 'the trace');
  const portal = await open(`/traces/${trace}`);
  await portal.waitForText('rows', '2,000 rows');
  assert.equal(await step(portal, 'item 0.0').count(), 0);
  await portal.page.getByRole('button', { name: 'Unfold all' }).click();
  await step(portal, 'item 0.0').waitFor();
  assert.ok((await steps(portal).count()) < 100);
  await tree(portal).focus();
  await portal.page.keyboard.press('End');
  await portal.page.waitForFunction(() => document.querySelector('[data-step].active')?.textContent.includes('item 19'));
  assert.ok((await steps(portal).count()) < 100);
  await portal.assertAccessible();
  await portal.close();
});

for (const path of ['/sessions', '/sessions/nobody', '/traces/00000000000000000000000000000001']) {
  test(`${path}: while it loads, and when it can't be read`, async () => {
    const portal = await Portal.open(browser, server.base, null);
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await portal.context.route(/\/api\/v1\/(sessions|traces)/, async (route) => {
      await held;
      await route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"title":"Service Unavailable","status":503,"detail":"the database is not reachable"}' });
    });
    await portal.visit(path);
    await portal.page.getByRole('status').filter({ hasText: 'Loading' }).waitFor();
    await portal.assertAccessible();
    release();
    await portal.waitForText('failure', 'the database is not reachable');
    await portal.assertLooks();
    portal.forgive(503);
    await portal.close();
  });
}

test('what is not there is said to be gone', async () => {
  const portal = await open('/traces/00000000000000000000000000000001');
  await portal.waitForText('missing', 'There is no such trace');
  await portal.visit('/sessions/nobody');
  await portal.waitForText('missing', 'There is no such session');
  await portal.assertLooks();
  portal.forgive(404);
  await portal.close();
});
