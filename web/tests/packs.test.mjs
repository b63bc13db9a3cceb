// Packs of panels: their pages in every state, filters and ranges in the URL, drilling down, files, switching, the dashboard.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { apiRequest, sendEvents, toolResult } from './claude.mjs';
import { addUser, enter, signIn } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';
import { PACK, PANELS, serveSpecimen } from './specimen.mjs';

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
async function open(path, { specimen = 'data', who = null, pack = PACK, ...options } = {}) {
  const portal = await Portal.open(browser, server.base, null, { acceptDownloads: true, ...options });
  if (who) await enter(portal, server, who.email);
  if (specimen) await serveSpecimen(portal.context, { state: specimen, pack });
  await portal.visit(path);
  return portal;
}
const card = (portal, id) => portal.page.locator(`[data-panel="${id}"]`);
const settled = (portal, state) =>
  portal.page.waitForFunction((wanted) => {
    const cards = [...document.querySelectorAll('[data-panel]')];
    return cards.length > 0 && cards.every(({ dataset }) => dataset.state === wanted);
  }, state);
const param = (portal, name) => new URL(portal.page.url()).searchParams.get(name);
const button = (portal, name) => portal.page.getByRole('button', { name, exact: true });

test('a pack shows all its panels, in both themes, wide and narrow', async () => {
  const portal = await open('/packs/specimen');
  await settled(portal, 'ready');
  assert.equal(await portal.page.locator('[data-panel]').count(), PANELS.length);
  await portal.waitForText('range-note', 'Last 30 days');
  assert.match(await card(portal, 'cost-by-user').getByTestId('covers').innerText(), /US dollars · .+ – .+ · per day/);
  // Twelve at most: the rest is one.
  await card(portal, 'cost-by-user').getByText('other (3)').waitFor();
  await portal.assertLooks();
  await button(portal, 'What Spend counts').click();
  await card(portal, 'spend').getByText('in one line.').waitFor();
  await portal.close();
});

for (const state of ['empty', 'error', 'loading', 'truncated']) {
  test(`panels that are ${state} say so, and what to do`, async () => {
    const portal = await open('/packs/specimen', { specimen: state });
    if (state === 'empty') {
      await settled(portal, 'empty');
      await portal.assertLooks();
      await card(portal, 'latency').getByRole('button', { name: 'Show the last 90 days' }).click();
      assert.equal(param(portal, 'range'), '90d');
    } else if (state === 'error') {
      await settled(portal, 'failed');
      await card(portal, 'latency').getByTestId('panel-error').filter({ hasText: 'the store did not answer in time' }).waitFor();
      await portal.assertLooks();
      await serveSpecimen(portal.context);
      await card(portal, 'latency').getByRole('button', { name: 'Try again' }).click();
      await portal.page.locator('[data-panel="latency"][data-state="ready"]').waitFor();
      portal.forgive(500);
    } else if (state === 'loading') {
      await portal.page.locator('[data-state="loading"]').first().waitFor();
      await portal.assertLooks();
      // Four at a time, and those in view first.
      assert.equal(await portal.page.locator('[data-state="loading"]').count(), 4);
    } else {
      await settled(portal, 'ready');
      await card(portal, 'top-cost-spans').getByTestId('truncated').waitFor();
      await portal.assertAccessible();
    }
    await portal.close();
  });
}

test('range and filters live in the URL, are asked of the server, and the answer of an old question is not waited for', async () => {
  const portal = await open('/packs/specimen');
  await settled(portal, 'ready');
  const aborted = [];
  portal.page.on('requestfailed', (request) => aborted.push(request.url()));
  const asked = portal.page.waitForRequest((request) => request.url().includes('/panels/cost-by-user') && request.url().includes('user_id=bela'));
  await portal.page.getByRole('combobox', { name: 'User' }).click();
  await portal.page.getByRole('combobox', { name: 'User' }).fill('bel');
  await portal.page.getByRole('option', { name: /^bela/ }).waitFor();
  await portal.page.keyboard.press('ArrowDown');
  await portal.page.keyboard.press('Enter');
  assert.equal(new URL((await asked).url()).searchParams.get('timezone'), await portal.page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone));
  assert.equal(param(portal, 'user_id'), 'bela');
  // One that does not know this filter says that it holds without it, and is not asked for it.
  await card(portal, 'models').getByText('not filtered by user').waitFor();
  await settled(portal, 'ready');

  await portal.page.locator('[data-range="7d"]').click();
  assert.equal(param(portal, 'range'), '7d');
  await portal.page.locator('[data-range="month"]').click();
  await portal.page.goBack();
  assert.equal(param(portal, 'range'), '7d');
  await settled(portal, 'ready');
  await portal.page.reload();
  await portal.page.locator('[data-range="7d"][aria-pressed="true"]').waitFor();
  assert.equal(await portal.page.getByRole('combobox', { name: 'User' }).inputValue(), 'bela');

  await button(portal, 'Custom').click();
  await portal.page.getByLabel('From', { exact: true }).fill('2026-01-30T00:00');
  await portal.page.getByLabel('To', { exact: true }).fill('2026-02-02T00:00');
  await portal.assertAccessible();
  await button(portal, 'Show range').click();
  assert.equal(new Date(param(portal, 'to')) - new Date(param(portal, 'from')), 3 * 86_400_000);
  await portal.waitForText('range-note', 'Custom range');
  await button(portal, 'Clear').click();
  assert.equal(param(portal, 'user_id'), null);

  // Questions that nobody waits for any more are called off.
  await serveSpecimen(portal.context, { state: 'loading' });
  await portal.page.locator('[data-range="24h"]').click();
  await portal.page.locator('[data-state="loading"]').first().waitFor();
  await portal.page.locator('[data-range="90d"]').click();
  await portal.page.waitForTimeout(300);
  assert.ok(aborted.some((url) => url.includes('/panels/')), 'nothing was cancelled');
  await portal.close();
});

test('a chart is read with the mouse and as a table, its series are switched, and a click goes to the events', async () => {
  const portal = await open('/packs/specimen?user_id=ada');
  await settled(portal, 'ready');
  const chart = card(portal, 'cost-by-user').getByTestId('chart');
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  const place = { x: box.width * 0.62, y: box.height - 30 };
  await chart.hover({ position: place });
  await portal.part('chart-tip').filter({ hasText: 'Total' }).waitFor();
  await portal.assertAccessible();

  const bela = card(portal, 'cost-by-user').getByRole('button', { name: /^bela/ });
  await bela.click();
  assert.equal(await bela.getAttribute('aria-pressed'), 'false');
  await button(portal, 'Cost by user as a table').click();
  await card(portal, 'cost-by-user').getByRole('columnheader', { name: 'Cost' }).getByRole('button').click();
  const first = Number((await card(portal, 'cost-by-user').locator('tbody tr').first().locator('td').last().innerText()).replace(/[^\d.]/g, ''));
  const second = Number((await card(portal, 'cost-by-user').locator('tbody tr').nth(1).locator('td').last().innerText()).replace(/[^\d.]/g, ''));
  assert.ok(first >= second, `${first} before ${second}`);
  await portal.assertLooks();
  await button(portal, 'Cost by user as a table').click();

  await chart.hover({ position: place });
  await portal.part('chart-tip').filter({ hasText: 'the events' }).waitFor();
  await chart.click({ position: place });
  await portal.page.waitForURL((url) => url.pathname === '/');
  assert.equal(param(portal, 'source'), 'claude_code');
  // The row's, not the page's.
  assert.ok(param(portal, 'user_id'));
  const span = new Date(param(portal, 'to')) - new Date(param(portal, 'from'));
  assert.ok(span > 0 && span <= 25 * 3_600_000, `${span} ms`);
  await portal.close();
});

test('every panel goes along as a picture', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const portal = await open('/packs/specimen', { colorScheme });
    await settled(portal, 'ready');
    for (const { id, title } of colorScheme === 'light' ? PANELS : PANELS.slice(3, 5)) {
      await button(portal, `Download ${title}`).click();
      const [download] = await Promise.all([portal.page.waitForEvent('download'), button(portal, 'PNG, as shown').click()]);
      assert.equal(download.suggestedFilename(), `specimen-${id}.png`);
      const bytes = await readFile(await download.path());
      if (process.env.SHOTS) await download.saveAs(`${process.env.SHOTS}/png-${colorScheme}-${id}.png`);
      const { width, height, colours, corner } = await picture(portal, bytes);
      assert.ok(width === 2240 && height >= 200, `${id}: ${width} x ${height}`);
      assert.ok(colours > 8, `${id} has ${colours} colours`);
      assert.equal(corner > 128, colorScheme === 'light', `${id}: the background is ${corner}`);
    }
    await portal.close();
  }
});

/** Decoded by the browser, in a page without our policy. */
async function picture(portal, bytes) {
  const page = await portal.context.newPage();
  try {
    return await page.evaluate(async (text) => {
      const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      return { width: image.width, height: image.height, colours: colours.size, corner: data[0] };
    }, bytes.toString('base64'));
  } finally {
    await page.close();
  }
}

test("a panel's rows go along as CSV, with the range and the filters of the page", async () => {
  const portal = await open('/packs/claude-code?range=24h', { specimen: null });
  // Which one is the first that is ready changes while they load.
  const id = await portal.page.locator('[data-panel][data-state="ready"]').first().getAttribute('data-panel');
  const panel = card(portal, id);
  await panel.getByRole('button', { name: /^Download/ }).click();
  const link = panel.getByRole('link', { name: 'CSV, all rows' });
  assert.match(await link.getAttribute('href'), /[?&]from=.+&to=.+&timezone=.+&format=csv$/);
  const [download] = await Promise.all([portal.page.waitForEvent('download'), link.click()]);
  assert.equal(download.suggestedFilename(), `claude-code-${id}.csv`);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split(/\r?\n/);
  assert.ok(lines.length >= 2, lines.join('\n'));
  await portal.close();
});

test('packs are listed, explained, and switched on and off', async () => {
  const portal = await open('/packs', { specimen: null, who: await addUser(server, 'platform_admin') });
  const row = portal.page.locator('[data-pack="claude-code"]');
  await row.waitFor();
  const toggle = row.getByRole('switch');
  assert.equal(await toggle.getAttribute('aria-checked'), 'true');
  const unseen = portal.page.locator('[data-pack="devops-webhooks"]');
  await unseen.getByText('no data yet').waitFor();
  await unseen.getByRole('button', { name: 'How to send it' }).click();
  await portal.part('not-seen').getByRole('link', { name: 'Settings, Webhooks' }).waitFor();
  await portal.assertLooks();

  await toggle.click();
  await portal.page.locator('[data-pack="claude-code"] [aria-checked="false"]').waitFor();
  assert.equal(await portal.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Claude Code' }).count(), 0);
  await portal.visit('/packs/claude-code');
  await portal.part('switched-off').waitFor();
  await portal.assertLooks();
  await button(portal, 'Switch it on').click();
  await portal.page.locator('[data-panel]').first().waitFor();

  await portal.visit('/packs/no-such-pack');
  await portal.part('no-pack').waitFor();
  await portal.close();
});

test('an own pack is checked, what is wrong is said with its line, and then it is there', async () => {
  // Own packs take the Enterprise tier.
  await asPlatformAdmin('PATCH', '/api/v1/tenants/default', { tier: 'enterprise' });
  const portal = await open('/packs', { specimen: null, who: admin });
  await button(portal, 'Add own pack').click();
  const keep = button(portal, 'Check and keep');
  assert.equal(await keep.isDisabled(), true);
  await portal.page.getByLabel('Or paste it').fill(OWN.replace('visual = "table"', 'visual = "pie"'));
  await keep.click();
  await portal.part('own-pack-error').filter({ hasText: 'visual = "pie"' }).waitFor();
  await portal.assertLooks();
  await portal.page.getByLabel('Choose a file').setInputFiles({ name: 'own.toml', mimeType: 'text/plain', buffer: Buffer.from(OWN) });
  await keep.click();
  await portal.page.getByRole('heading', { name: 'Our team' }).waitFor();
  assert.equal(portal.path(), '/packs/our-team');
  await portal.page.locator('[data-panel="events"][data-state="ready"]').waitFor();
  await portal.visit('/packs');
  await button(portal, 'Delete Our team').click();
  await button(portal, 'Delete').click();
  await portal.page.locator('[data-pack="our-team"]').waitFor({ state: 'detached' });
  portal.forgive(400);
  await portal.close();
});

const OWN = `id = "our-team"
title = "Our team"
description = "What our team does."
sources = ["claude_code"]
filters = ["user_id"]

[[panels]]
id = "events"
title = "Events"
description = "All of them, by type."
unit = "count"
visual = "table"
sql = "SELECT event_type, count() AS events FROM pub.events WHERE $window GROUP BY event_type ORDER BY events DESC"
`;

async function asPlatformAdmin(method, path, body) {
  const api = await signIn(server, (await addUser(server, 'platform_admin')).email);
  return api.send(method, path, body);
}
