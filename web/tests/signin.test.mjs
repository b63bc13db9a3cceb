// Signing in and out, the second factor, invites by link.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { addUser, fillSignIn, PASSWORD, signIn, totp } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

let server;
let browser;
let admin;

before(async () => {
  // Nobody comes in without a credential here.
  server = await startServer({ ACTIVITYLOG_AUTH_ANONYMOUS_TENANT: '' });
  browser = await startBrowser();
  admin = await addUser(server, 'super_admin');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = () => Portal.open(browser, server.base, null);

test('whoever is unknown signs in first, and goes on to where they were going', async () => {
  const portal = await open();
  await portal.visit('/audit?type=auth.login');
  await portal.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  assert.equal(new URL(portal.page.url()).searchParams.get('next'), '/audit?type=auth.login');
  await portal.assertLooks();

  await fillSignIn(portal, admin.email, 'not the password');
  await portal.part('form-error').waitFor();
  await portal.assertAccessible();
  await fillSignIn(portal, admin.email);
  await portal.page.getByRole('heading', { name: 'Audit trail' }).waitFor();
  assert.equal(portal.path(), '/audit');

  await portal.part('user').click();
  await portal.page.getByText(admin.email).first().waitFor();
  await portal.page.getByRole('button', { name: 'Sign out' }).click();
  await portal.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await portal.visit('/activity');
  await portal.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  portal.forgive(401);
  await portal.close();
});

test('a link to another site is nowhere to go on to', async () => {
  const portal = await open();
  await portal.visit('/signin?next=//example.com/');
  await fillSignIn(portal, admin.email);
  await portal.part('status').waitFor();
  assert.equal(new URL(portal.page.url()).origin, new URL(server.base).origin);
  assert.equal(portal.path(), '/');
  await portal.close();
});

test('what the sign-in provider said is shown, as text', async () => {
  const portal = await open();
  await portal.visit('/?signin_error=' + encodeURIComponent('No <b>verified</b> address.'));
  await portal.waitForText('signin-error', 'No <b>verified</b> address.');
  assert.equal(portal.path(), '/signin');
  await portal.close();
});

test('a second factor is set up with its QR code, asked for, replaced by a recovery code, and removed', async () => {
  const user = await addUser(server, 'member');
  const portal = await open();
  await portal.visit('/signin?next=/settings/account');
  await fillSignIn(portal, user.email);
  await portal.part('totp').getByRole('button', { name: 'Set up' }).click();
  await portal.part('qr').waitFor();
  const secret = await portal.part('totp-secret').innerText();
  await portal.assertAccessible();
  await portal.page.getByLabel('Code', { exact: true }).fill(totp(secret));
  await portal.page.getByRole('button', { name: 'Confirm' }).click();
  const codes = (await portal.part('recovery-codes').innerText()).trim().split(/\s+/);
  assert.ok(codes.length >= 8, `${codes.length} recovery codes`);
  await portal.assertAccessible();
  await portal.page.getByRole('button', { name: 'I have kept them' }).click();
  await portal.waitForText('totp', 'On');
  await portal.close();

  const again = await open();
  await again.visit('/signin?next=/settings/account');
  await fillSignIn(again, user.email);
  await again.page.getByRole('heading', { name: 'Your second factor' }).waitFor();
  await again.assertAccessible();
  await again.page.getByLabel('Code from your authenticator app').fill('000000');
  await again.page.getByRole('button', { name: 'Continue' }).click();
  await again.part('form-error').waitFor();
  await again.page.getByRole('button', { name: 'Use a recovery code' }).click();
  await again.page.getByLabel('Recovery code').fill(codes[0]);
  await again.page.getByRole('button', { name: 'Continue' }).click();
  await again.part('totp').getByRole('button', { name: 'Remove' }).click();
  await again.page.getByRole('dialog').getByLabel('Password', { exact: true }).fill(PASSWORD);
  await again.page.getByRole('button', { name: 'Remove it' }).click();
  await again.waitForText('totp', 'Off');
  again.forgive(401);
  await again.close();
});

test('an invite by link: the secret leaves the address bar, a short password is refused at its field, and one is in', async () => {
  const inviter = await signIn(server, admin.email);
  const { link } = await inviter.send('POST', '/api/v1/invites', { email: 'gita@example.com', role: 'viewer' });
  const { hash } = new URL(link);
  const portal = await open();
  await portal.visit('/invite' + hash);
  await portal.page.getByRole('heading', { name: 'Join' }).waitFor();
  assert.equal(new URL(portal.page.url()).hash, '');
  await portal.assertLooks();
  await portal.page.getByLabel('Your name').fill('Gita');
  await portal.page.getByLabel('Password', { exact: true }).fill('short');
  await portal.page.getByRole('button', { name: 'Join' }).click();
  await portal.part('invite').locator('[aria-invalid="true"]').waitFor();
  await portal.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await portal.page.getByRole('button', { name: 'Join' }).click();
  await portal.waitForText('user', 'Gita');
  portal.forgive(400);
  await portal.close();

  const late = await open();
  await late.visit('/invite' + hash);
  await late.part('invite-gone').waitFor();
  await late.assertAccessible();
  late.forgive(404);
  await late.close();
});

test('a password that was made for the first time only is changed before anything else', async () => {
  const made = JSON.parse(await server.cli('user', 'add', '--tenant', 'default', '--email', 'first@example.com', '--role', 'viewer'));
  const portal = await open();
  await portal.visit('/signin?next=/projects');
  await fillSignIn(portal, 'first@example.com', made.password);
  await portal.page.getByRole('heading', { name: 'Choose your own password' }).waitFor();
  await portal.assertLooks();
  await portal.page.getByLabel('Current password', { exact: true }).fill(made.password);
  await portal.page.getByLabel('New password', { exact: true }).fill(PASSWORD);
  await portal.page.getByLabel('New password again', { exact: true }).fill(PASSWORD);
  await portal.page.getByRole('button', { name: 'Set password' }).click();
  await portal.page.getByRole('heading', { name: 'Projects' }).waitFor();
  await portal.close();
});

// The last one: it locks this machine's address as well.
test('too many wrong passwords lock the form for a while, and it says how long', async () => {
  const victim = await addUser(server, 'viewer');
  const portal = await open();
  await portal.visit('/signin');
  const locked = portal.part('locked');
  for (let tries = 0; tries < 30 && !(await locked.isVisible()); tries++) {
    await Promise.all([portal.page.waitForResponse((answer) => answer.url().endsWith('/api/v1/session') && answer.request().method() === 'POST'), fillSignIn(portal, victim.email, `wrong-${tries}`)]);
    await portal.page.getByRole('button', { name: 'Checking…' }).waitFor({ state: 'detached' });
  }
  await portal.waitForText('locked', /locked until \d\d:\d\d/);
  await portal.assertAccessible();
  portal.forgive(401);
  portal.forgive(429);
  await portal.close();
});
