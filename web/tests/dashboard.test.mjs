// The frame and the dashboard: the packs' summary, the navigation, the budget, and a way that needs no mouse.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { apiRequest, sendEvents, toolResult } from './claude.mjs';
import { addUser, enter, PASSWORD } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';
import { PANELS, serveSpecimen } from './specimen.mjs';

let server;
let browser;
let admin;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  admin = await addUser(server, 'super_admin');
  const at = Date.now() - 60_000;
  await sendEvents(server.otlp, [apiRequest('pack-1', { at }), toolResult('pack-1', { at: at + 10 }), apiRequest('pack-2', { at: at + 20 })]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** `specimen`: its state; null: what the server has. */
async function open(path, { specimen = 'data', who = null, ...options } = {}) {
  const portal = await Portal.open(browser, server.base, null, { acceptDownloads: true, ...options });
  if (who) await enter(portal, server, who.email);
  if (specimen) await serveSpecimen(portal.context, { state: specimen });
  await portal.visit(path);
  return portal;
}
const button = (portal, name) => portal.page.getByRole('button', { name, exact: true });

test("the dashboard has the packs' summary above the live feed, which can be put away", async () => {
  const portal = await open('/');
  await portal.part('summary').waitFor();
  await portal.page.locator('[data-tile="cost-by-user"][data-state="ready"]').waitFor();
  assert.equal(await portal.page.locator('[data-tile]').count(), PANELS.filter(({ summary }) => summary).length);
  await portal.assertLooks();
  await button(portal, 'Last 24 hours').click();
  await portal.page.reload();
  await portal.part('summary').waitFor();
  assert.equal(await portal.page.locator('[data-tile]').count(), 0);
  // The events behind a chart need the room.
  await portal.visit('/?source=claude_code&model=claude-sonnet-4-5&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z');
  await portal.part('count').waitFor();
  assert.equal(await portal.part('summary').count(), 0);
  await portal.close();
});

test('on a phone the navigation is behind a button', async () => {
  const portal = await open('/packs/specimen', { viewport: { width: 390, height: 844 } });
  const menu = portal.page.getByRole('button', { name: 'Menu' });
  await menu.click();
  const nav = portal.page.getByRole('navigation', { name: 'Main' });
  await nav.getByRole('link', { name: 'Specimen' }).waitFor();
  await portal.assertAccessible();
  await portal.page.keyboard.press('Escape');
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  await menu.click();
  await nav.getByRole('link', { name: 'Activity' }).click();
  await portal.page.getByRole('heading', { name: 'Activity' }).waitFor();
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  await portal.close();
});

test("the tenant's monthly budget is kept", async () => {
  const portal = await open('/settings/tenant', { specimen: null, who: admin });
  const field = portal.page.getByLabel('Monthly budget for models, US dollars');
  await field.fill('1250.50');
  await button(portal, 'Save').click();
  await portal.page.getByText('Saved.').waitFor();
  await portal.page.reload();
  await field.waitFor();
  assert.equal(await field.inputValue(), '1250.5');
  await portal.close();
});

test('by keyboard alone: from the sign-in over a chart to one of its events', async () => {
  const portal = await open('/signin?next=/packs/claude-code', { specimen: null });
  const { page } = portal;
  const press = (key) => page.keyboard.press(key);
  await page.getByLabel('Email').waitFor();
  await page.getByLabel('Email').focus();
  await page.keyboard.type(admin.email);
  await press('Tab');
  await page.keyboard.type(PASSWORD);
  await press('Enter');
  await page.locator('[data-panel][data-state="ready"]').first().waitFor();
  // Tab after tab to the first chart that leads somewhere.
  const atChart = () => page.evaluate(() => document.activeElement?.matches('[data-testid="chart"]') && document.activeElement.closest('[data-state="ready"]') !== null);
  await tabUntil(page, atChart);
  for (let tries = 0; tries < 20 && portal.path() !== '/'; tries++) {
    await press('End');
    await press('Enter');
    await page.waitForTimeout(100);
    if (portal.path() !== '/') await tabUntil(page, atChart);
  }
  await page.waitForURL((url) => url.pathname === '/' && url.searchParams.has('from'));
  await page.locator('tr[data-id]').first().waitFor();
  await tabUntil(page, () => page.evaluate(() => document.activeElement?.getAttribute('role') === 'grid'));
  await press('ArrowDown');
  await press('Enter');
  await portal.part('panel').waitFor();
  await portal.close();
});

async function tabUntil(page, holds, most = 120) {
  for (let count = 0; count < most; count++) {
    await page.keyboard.press('Tab');
    if (await holds()) return;
  }
  assert.fail(`not reached with ${most} tabs`);
}
