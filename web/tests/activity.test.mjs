// The activity feed and the activity of a project.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { addUser, enter, sendAudit, signIn } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

const POLL_MS = 5000;
const SLACK_MS = 10_000;
let server;
let browser;
let admin;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  admin = await addUser(server, 'super_admin');
  const api = await signIn(server, admin.email);
  for (const slug of ['alpha', 'beta']) await api.send('POST', '/api/v1/projects', { slug, name: slug, description: '' });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = async (path, who = admin, options = {}) => {
  const portal = await Portal.open(browser, server.base, null, options);
  if (who) await enter(portal, server, who.email);
  await portal.visit(path);
  return portal;
};
/** Rows of one action that nobody else's test knows. */
const rows = (count, action, more = {}) => Array.from({ length: count }, (_, index) => ({ event_type: action, target_type: 'task', target_id: `t-${index}`, attributes: { index }, ...more }));
const shown = (portal) => portal.page.locator('tr[data-id]');
const countOf = async (portal, count, options = {}) => portal.page.waitForFunction((wanted) => document.querySelectorAll('tr[data-id]').length === wanted, count, options);

test('rows appear by themselves, and a row opens to its metadata', async () => {
  const action = `t${randomUUID().slice(0, 8)}.done`;
  const portal = await open(`/activity?action=${action}`);
  await portal.part('nothing').waitFor();
  await sendAudit(server, rows(1, action, { project: 'alpha' }));
  await countOf(portal, 1, { timeout: POLL_MS + SLACK_MS });
  await shown(portal).first().getByRole('button').click();
  await portal.waitForText('metadata', '"index"');
  await portal.assertLooks();
  await portal.close();
});

test('the filters work on the server and live in the URL', async () => {
  const mark = `f${randomUUID().slice(0, 8)}`;
  await sendAudit(server, [...rows(2, `${mark}.made`, { project: 'alpha' }), ...rows(3, `${mark}.failed`, { project: 'beta' })]);
  const portal = await open(`/activity?action=${mark}.`);
  await countOf(portal, 5, { timeout: SLACK_MS });
  await portal.page.getByLabel('Project').selectOption('beta');
  await countOf(portal, 3);
  assert.equal(new URL(portal.page.url()).searchParams.get('project'), 'beta');
  await portal.page.getByLabel('Action begins with').fill(`${mark}.made`);
  await portal.part('nothing').waitFor();
  await portal.page.goBack();
  await countOf(portal, 5);
  // `_` is no wildcard.
  await portal.page.getByLabel('Action begins with').fill(`${mark}_`);
  await portal.part('nothing').waitFor();
  await portal.close();
});

test('"Load older" walks to the end, and what one reads stays where it is while new rows come', async () => {
  const action = `o${randomUUID().slice(0, 8)}.step`;
  await sendAudit(server, rows(120, action));
  const portal = await open(`/activity?action=${action}`);
  await countOf(portal, 50, { timeout: SLACK_MS });
  await portal.page.getByRole('button', { name: 'Load older' }).click();
  await countOf(portal, 100);
  const scroller = portal.page.getByRole('region', { name: 'Activity, newest first' });
  await scroller.evaluate((node) => node.scrollTo(0, 600));
  const top = () => scroller.evaluate((node) => document.elementFromPoint(400, node.getBoundingClientRect().top + 60)?.closest('tr')?.dataset.id);
  const before = await top();
  await sendAudit(server, rows(2, action));
  await portal.part('new-rows').filter({ hasText: '2 new' }).waitFor({ timeout: POLL_MS + SLACK_MS });
  assert.equal(await top(), before);
  await portal.part('new-rows').click();
  assert.equal(await scroller.evaluate((node) => node.scrollTop), 0);
  await portal.page.getByRole('button', { name: 'Load older' }).click();
  await countOf(portal, 122);
  await portal.page.getByText('That is all there is.').waitFor();
  await portal.close();
});

test('a refusal for too many requests is said, with the time, and the page goes on by itself', async () => {
  const action = `r${randomUUID().slice(0, 8)}.step`;
  await sendAudit(server, rows(1, action));
  const portal = await open(`/activity?action=${action}`);
  await countOf(portal, 1, { timeout: SLACK_MS });
  let asked = 0;
  await portal.context.route('**/api/v1/activity?*', (route) => {
    asked++;
    return route.fulfill({ status: 429, headers: { 'retry-after': '2' }, contentType: 'application/json', body: '{"detail": "activity feed rate limit exceeded (60/min per worker)"}' });
  });
  await portal.part('feed-note').filter({ hasText: /Next try in \d+ s/ }).waitFor({ timeout: POLL_MS + SLACK_MS });
  assert.equal(asked, 1);
  await countOf(portal, 1);
  await portal.assertAccessible();
  await portal.context.unroute('**/api/v1/activity?*');
  await portal.part('feed-note').waitFor({ state: 'detached', timeout: SLACK_MS });
  portal.forgive(429);
  await portal.close();
});

test('a page that nobody sees asks nothing', async () => {
  const portal = await open('/activity');
  await shown(portal).first().waitFor();
  let asked = 0;
  portal.page.on('request', (request) => (asked += request.url().includes('/api/v1/activity') ? 1 : 0));
  await portal.page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await portal.page.waitForTimeout(POLL_MS + 1000);
  assert.equal(asked, 0);
  await portal.page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await portal.page.waitForRequest((request) => request.url().includes('/api/v1/activity'), { timeout: POLL_MS });
  await portal.close();
});

test("a project's activity is for its members", async () => {
  const member = await addUser(server, 'member');
  const api = await signIn(server, admin.email);
  await api.send('PUT', `/api/v1/projects/alpha/members/${member.id}`);
  await sendAudit(server, rows(1, `m${randomUUID().slice(0, 8)}.done`, { project: 'alpha' }));

  const portal = await open('/projects', member);
  await portal.page.locator('tr[data-id="alpha"]').waitFor();
  assert.equal(await portal.page.locator('tr[data-id]').count(), 1);
  await portal.assertLooks();
  await portal.page.getByRole('link', { name: 'Activity of alpha' }).click();
  await shown(portal).first().waitFor();
  assert.equal(portal.path(), '/projects/alpha/audit');
  await portal.assertLooks();

  await portal.visit('/projects/beta/audit');
  await portal.waitForText('refused', 'not a member of beta');
  await portal.assertAccessible();
  portal.forgive(403);
  portal.forgive(404);
  await portal.close();
});
