// The settings: people, roles, projects, tokens, webhooks, the tenant; and the tenants of the installation.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addUser, enter } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

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
const button = (portal, name) => portal.page.getByRole('button', { name, exact: true });
const dialog = (portal) => portal.page.getByRole('dialog');
const closed = (portal) => dialog(portal).waitFor({ state: 'detached' });

test('people: found, given another role, disabled, deleted', async () => {
  const user = await addUser(server, 'viewer');
  const portal = await open('/settings/people');
  await portal.page.getByLabel('Search people').fill(user.email);
  const row = portal.page.locator(`tr[data-id="${user.id}"]`);
  await portal.page.waitForFunction(() => document.querySelectorAll('tr[data-id]').length === 1);
  await portal.assertLooks();

  await button(portal, `Edit ${user.email}`).click();
  await portal.page.getByLabel('Role').selectOption('member');
  await portal.page.getByLabel('Disabled').check();
  await portal.assertLooks();
  await button(portal, 'Save').click();
  await closed(portal);
  await row.filter({ hasText: 'member' }).filter({ hasText: 'disabled' }).waitFor();

  await button(portal, `Edit ${user.email}`).click();
  await button(portal, 'Delete…').click();
  await portal.assertAccessible();
  await button(portal, 'Delete').click();
  await row.waitFor({ state: 'detached' });
  await portal.part('nothing').first().waitFor();
  await portal.close();
});

test('a dialog takes the focus, gives it back, and closes with Esc', async () => {
  const portal = await open('/settings/people');
  await button(portal, 'Invite').click();
  assert.equal(await portal.page.evaluate(() => document.activeElement?.closest('dialog') !== null), true);
  await portal.page.keyboard.press('Escape');
  await closed(portal);
  assert.equal(await portal.page.evaluate(() => document.activeElement?.textContent?.trim()), 'Invite');
  await portal.close();
});

test('an invite: its link is shown once, it is listed, and revoked; a bad address is refused at its field', async () => {
  const portal = await open('/settings/people');
  await button(portal, 'Invite').click();
  await portal.page.getByLabel('Email').fill(admin.email);
  await button(portal, 'Make the link').click();
  await dialog(portal).getByRole('alert').waitFor();
  await portal.page.getByLabel('Email').fill('hugo@example.com');
  await button(portal, 'Make the link').click();
  assert.match(await portal.part('invite-link').innerText(), /\/invite#\S{20,}$/);
  await portal.assertLooks();
  await button(portal, 'Done').click();
  const row = portal.page.locator('tr[data-invite="hugo@example.com"]');
  await row.waitFor();
  await button(portal, 'Revoke the invite of hugo@example.com').click();
  await button(portal, 'Revoke').click();
  await row.waitFor({ state: 'detached' });
  portal.forgive(400);
  portal.forgive(409);
  await portal.close();
});

test('roles: added, changed, and replaced by another before they go', async () => {
  const portal = await open('/settings/roles');
  await portal.page.locator('tr[data-role="viewer"]').waitFor();
  await portal.assertLooks();
  await button(portal, 'Add role').click();
  await portal.page.getByLabel('Name').fill('auditor');
  await portal.page.getByRole('checkbox', { name: 'audit.read' }).check();
  await portal.assertLooks();
  await dialog(portal).getByRole('button', { name: 'Add role' }).click();
  await closed(portal);
  const row = portal.page.locator('tr[data-role="auditor"]');
  await row.filter({ hasText: 'audit.read' }).waitFor();

  await addUser(server, 'auditor');
  await portal.page.reload();
  await button(portal, 'Edit auditor').click();
  await portal.page.getByRole('checkbox', { name: 'audit.read' }).uncheck();
  await button(portal, 'Save').click();
  await row.filter({ hasNotText: 'audit.read' }).waitFor();
  await button(portal, 'Delete auditor').click();
  await portal.page.getByLabel('Give them').selectOption('viewer');
  await portal.assertAccessible();
  await button(portal, 'Reassign and delete').click();
  await row.waitFor({ state: 'detached' });
  await portal.close();
});

test('projects: added with a slug that holds, edited, given members, deleted', async () => {
  const user = await addUser(server, 'member');
  const portal = await open('/settings/projects');
  await portal.part('nothing').waitFor();
  await button(portal, 'Add project').click();
  await portal.page.getByLabel('Slug').fill('Not A Slug!');
  await dialog(portal).getByRole('button', { name: 'Add project' }).click();
  await portal.part('edit-project').locator('[aria-invalid="true"]').waitFor();
  await portal.page.getByLabel('Slug').fill('web-shop');
  await portal.page.getByLabel('Name').fill('Web shop');
  await dialog(portal).getByRole('button', { name: 'Add project' }).click();
  await closed(portal);
  const row = portal.page.locator('tr[data-project="web-shop"]');
  await row.waitFor();
  await portal.assertLooks();

  await button(portal, 'Members of web-shop').click();
  await portal.part('nothing').last().waitFor();
  await portal.page.getByLabel('Add').selectOption(user.id);
  await dialog(portal).getByRole('button', { name: 'Add', exact: true }).click();
  await portal.page.locator(`tr[data-member="${user.email}"]`).waitFor();
  await portal.assertLooks();
  await button(portal, `Remove ${user.email}`).click();
  await portal.page.locator(`tr[data-member="${user.email}"]`).waitFor({ state: 'detached' });
  await button(portal, 'Close').click();

  await button(portal, 'Edit web-shop').click();
  await portal.page.getByLabel('Description').fill('The shop');
  await button(portal, 'Save').click();
  await row.filter({ hasText: 'The shop' }).waitFor();
  await button(portal, 'Delete web-shop').click();
  assert.equal(await button(portal, 'Delete').isDisabled(), true);
  await portal.page.getByLabel('Type web-shop to confirm').fill('web-shop');
  await button(portal, 'Delete').click();
  await row.waitFor({ state: 'detached' });
  portal.forgive(400);
  await portal.close();
});

test('an ingest token is shown once with what to do with it, works, and is revoked', async () => {
  const portal = await open('/settings/tokens');
  await button(portal, 'Mint token').click();
  await portal.assertLooks();
  await portal.page.getByLabel('Name').fill('ci');
  await dialog(portal).getByRole('button', { name: 'Mint token' }).click();
  const token = await portal.part('token').innerText();
  assert.match(token, /^alg_i_/);
  await portal.waitForText('claude-code', `Authorization=Bearer ${token}`);
  await portal.assertLooks();
  const send = () =>
    fetch(`${server.base}/api/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: '{"event_type":"ci.done"}' });
  assert.equal((await send()).status, 202);
  await button(portal, 'I have copied it').click();
  const row = portal.page.locator('tr[data-token="ci"]');
  await row.waitFor();
  assert.equal(await portal.page.getByText(token).count(), 0);
  await portal.assertLooks();
  await button(portal, 'Revoke ci').click();
  await button(portal, 'Revoke').click();
  await row.waitFor({ state: 'detached' });
  assert.equal((await send()).status, 401);
  await portal.close();
});

test('a webhook source: its secret shown once, "last received" when something came, a new secret, and gone', async () => {
  const portal = await open('/settings/webhooks');
  await button(portal, 'Add source').click();
  await portal.page.getByLabel('Sender').selectOption('gitlab');
  await portal.page.getByLabel('Name').fill('shop');
  await portal.assertLooks();
  await dialog(portal).getByRole('button', { name: 'Add source' }).click();
  const url = await portal.part('webhook-url').innerText();
  const secret = await portal.part('webhook-secret').innerText();
  await portal.assertLooks();
  await button(portal, 'I have copied it').click();
  const row = portal.page.locator('tr[data-webhook="shop"]');
  await row.filter({ hasText: 'nothing yet' }).waitFor();

  const posted = await fetch(server.base + new URL(url).pathname, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-gitlab-token': secret, 'x-gitlab-event': 'Push Hook', 'idempotency-key': 'one' },
    body: JSON.stringify({ object_kind: 'push', ref: 'refs/heads/main', project: { path_with_namespace: 'shop/checkout' } }),
  });
  assert.equal(posted.status, 200, await posted.clone().text());
  await portal.page.waitForFunction(
    async () => (await (await fetch('/api/v1/webhooks')).json()).items.some(({ last_received }) => last_received),
    undefined,
    { polling: 500 },
  );
  await portal.page.reload();
  await row.filter({ hasText: 'today' }).waitFor();
  await portal.assertLooks();

  await button(portal, 'Rotate the secret of shop').click();
  await portal.page.getByLabel('The old secret').selectOption('0');
  await button(portal, 'Make a new secret').click();
  assert.notEqual(await portal.part('webhook-secret').innerText(), secret);
  await button(portal, 'I have copied it').click();
  await button(portal, 'Delete shop').click();
  await button(portal, 'Delete').click();
  await row.waitFor({ state: 'detached' });
  await portal.close();
});

test("the tenant's settings: retention is kept, and keeping content asks first", async () => {
  const portal = await open('/settings/tenant');
  await portal.page.getByLabel('Days that events are kept').fill('12');
  await portal.page.getByLabel('On', { exact: false }).last().check();
  await portal.part('capture-warning').waitFor();
  await portal.assertLooks();
  await button(portal, 'Save').click();
  await portal.assertAccessible();
  await button(portal, 'Keep them').click();
  await portal.page.getByText('Saved.').waitFor();
  await portal.page.reload();
  await portal.part('tenant-settings').waitFor();
  assert.equal(await portal.page.getByLabel('Days that events are kept').inputValue(), '12');
  await portal.page.getByText('12 days').waitFor();
  await portal.close();
});

test('whoever may not change anything sees their own account and tokens only', async () => {
  const portal = await open('/settings', await addUser(server, 'viewer'));
  await portal.page.getByRole('heading', { name: 'Your account' }).waitFor();
  assert.deepEqual(await portal.page.getByRole('navigation', { name: 'Settings' }).getByRole('link').allInnerTexts(), ['Tokens', 'Your account']);
  await portal.assertLooks();
  await portal.visit('/settings/people');
  await portal.part('refused').waitFor();
  await portal.close();
});

test('platform admins see all tenants, and act in one', async () => {
  const portal = await open('/tenants', await addUser(server, 'platform_admin'));
  await button(portal, 'Add tenant').click();
  await portal.page.getByLabel('Id').fill('globex');
  await portal.page.getByLabel('Tier').selectOption('pro');
  await portal.assertLooks();
  await dialog(portal).getByRole('button', { name: 'Add tenant' }).click();
  await closed(portal);
  await portal.page.locator('tr[data-tenant="globex"]').filter({ hasText: 'pro' }).waitFor();
  await portal.assertLooks();
  await button(portal, 'Act in globex').click();
  await portal.page.getByRole('heading', { name: 'Activity' }).waitFor();
  assert.equal(await portal.part('tenant').inputValue(), 'globex');
  await portal.visit('/settings/people');
  await portal.part('nothing').first().waitFor();
  await portal.visit('/');
  await portal.part('empty').waitFor();

  await portal.part('tenant').selectOption('default');
  await portal.page.getByRole('heading', { name: 'Activity' }).waitFor();
  await portal.visit('/tenants');
  await button(portal, 'Delete globex').click();
  await portal.page.getByLabel('Type globex to confirm').fill('globex');
  await button(portal, 'Delete the tenant').click();
  await portal.page.locator('tr[data-tenant="globex"]').waitFor({ state: 'detached' });
  await portal.close();
});
