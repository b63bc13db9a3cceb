// The audit trail's page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { addUser, enter, sendAudit, signIn } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

const STORED_MS = 15_000;
let server;
let browser;
let admin;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  admin = await addUser(server, 'super_admin');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path, who = admin) {
  const portal = await Portal.open(browser, server.base, null);
  if (who) await enter(portal, server, who.email);
  await portal.visit(path);
  return portal;
}
const rows = (portal) => portal.page.locator('tr[data-id]');
/** Somebody who has done so many things, each of them an entry. */
async function busy(count) {
  const user = await addUser(server, 'super_admin');
  const api = await signIn(server, user.email);
  for (let index = 0; index < count; index++) await api.send('POST', '/api/v1/projects', { slug: `p-${user.id.slice(0, 8)}-${index}`, name: '', description: '' });
  // The sign-in is one of them.
  await until(async () => (await api.get(`/api/v1/audit/activity?user_id=${user.id}&limit=200`)).items.length >= count + 1);
  return user;
}
async function until(holds) {
  for (const end = Date.now() + STORED_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200))) if (await holds()) return;
  assert.fail('the entries did not arrive');
}

test('a person is searched and chosen, an entry opens to its metadata, and the download has it all', async () => {
  const user = await busy(2);
  const portal = await open('/audit');
  await rows(portal).first().waitFor();
  await portal.waitForText('range-note', 'at most 30 days');
  assert.equal(await portal.part('download').count(), 0);
  await portal.assertLooks();

  await portal.page.getByLabel('Search people').fill(user.email.slice(0, -4));
  await portal.page.locator(`[data-user="${user.id}"]`).click();
  assert.equal(new URL(portal.page.url()).searchParams.get('user'), user.id);
  await portal.page.waitForFunction(() => document.querySelectorAll('tr[data-id]').length === 3);
  await rows(portal).filter({ hasText: 'Project added' }).first().click();
  await portal.part('metadata').waitFor();
  await portal.assertLooks();

  const [download] = await Promise.all([portal.page.waitForEvent('download'), portal.part('download').click()]);
  assert.match(download.suggestedFilename(), /^activity-.*\d{4}-\d{2}-\d{2}\.csv$/);
  const csv = await readFile(await download.path(), 'utf8');
  assert.match(csv, /^timestamp_utc,\s?event_type,/);
  assert.equal(csv.match(/project\.add/g)?.length, 2);
  await portal.close();
});

test('fifty entries a page, forth and back', async () => {
  const user = await addUser(server, 'viewer');
  // An app's own entries, which are read with the product's.
  await sendAudit(server, Array.from({ length: 60 }, (_, index) => ({ event_type: 'doc.open', user_id: user.id, target_type: 'doc', target_id: `d-${index}` })));
  const api = await signIn(server, admin.email);
  await until(async () => (await api.get(`/api/v1/audit/activity?user_id=${user.id}&event_type=doc.open&limit=200`)).items.length === 60);
  const portal = await open(`/audit?user=${user.id}&type=doc.open`);
  await portal.waitForText('page', 'Page 1 · 1 to 50');
  const first = await rows(portal).first().getAttribute('data-id');
  await portal.page.getByRole('button', { name: 'Next' }).click();
  await portal.waitForText('page', 'Page 2 · 51 to 60');
  assert.equal(await rows(portal).count(), 10);
  assert.equal(await portal.page.getByRole('button', { name: 'Next' }).isDisabled(), true);
  await portal.page.getByRole('button', { name: 'Previous' }).click();
  await portal.waitForText('page', 'Page 1');
  assert.equal(await rows(portal).first().getAttribute('data-id'), first);
  await portal.close();
});

test('more than thirty days are cut, and the page says so; days without entries are said to be empty', async () => {
  const portal = await open('/audit?from=2020-01-01');
  await portal.waitForText('range-note', 'Cut to 30 days');
  const from = await portal.page.getByLabel('From', { exact: true }).inputValue();
  const to = await portal.page.getByLabel('To', { exact: true }).inputValue();
  assert.equal(Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000), 30);
  await portal.visit('/audit?from=2020-01-01&to=2020-01-20');
  await portal.part('nothing').waitFor();
  await portal.assertAccessible();
  await portal.close();
});

test('it is for super admins: an admin is told so, and whoever is not signed in is led there', async () => {
  const portal = await open('/audit', await addUser(server, 'admin'));
  await portal.part('refused').waitFor();
  assert.equal(await portal.page.getByRole('link', { name: 'Audit', exact: true }).count(), 0);
  await portal.assertLooks();
  await portal.close();

  const local = await open('/audit', null);
  await local.waitForText('refused', 'without signing in');
  await local.waitForText('user', 'local');
  await local.assertAccessible();
  await local.part('refused').getByRole('link', { name: 'Sign in' }).click();
  await local.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(new URL(local.page.url()).searchParams.get('next'), '/audit');
  await local.close();
});
