// Every list leaves as CSV and as NDJSON, from its own page.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { randomUUID } from 'node:crypto';
import { apiRequest, sendEvents, storedEvents, toolResult } from './claude.mjs';
import { addUser, enter } from './people.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

const TYPES = { csv: /^text\/csv/, ndjson: /^application\/x-ndjson/ };
let server;
let browser;
let admin;
const session = randomUUID();

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  admin = await addUser(server, 'super_admin');
  await sendEvents(server.otlp, [apiRequest(session), toolResult(session), toolResult(randomUUID())]);
  await storedEvents(server.base, session, 2);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function open(path) {
  const portal = await Portal.open(browser, server.base, null);
  await enter(portal, server, admin.email);
  await portal.visit(path);
  return portal;
}

test('the links of each list are answered in the form that they name', async () => {
  const portal = await open('/');
  for (const path of ['/', '/activity', '/audit', '/sessions', '/settings/people', '/settings/roles', '/settings/projects', '/settings/tokens', '/settings/webhooks']) {
    await portal.visit(path);
    const links = portal.page.locator('[data-export]');
    await links.first().waitFor();
    const found = await links.evaluateAll((all) => all.map((link) => [link.dataset.export, link.href]));
    assert.ok(found.length >= 2, path);
    for (const [format, href] of found) {
      const answer = await portal.page.evaluate(async (url) => {
        const response = await fetch(url);
        return { status: response.status, type: response.headers.get('content-type'), name: response.headers.get('content-disposition') };
      }, href);
      assert.equal(answer.status, 200, href);
      assert.match(answer.type, TYPES[format], href);
      assert.match(answer.name, new RegExp(`\\.${format}"`), href);
    }
    await portal.assertNoSidewaysScroll();
  }
  await portal.close();
});

test('the file of the live feed has what its filters let through', async () => {
  const portal = await open(`/?session_id=${session}`);
  await portal.waitForText('count', /^\s*2 events/);
  const [download] = await Promise.all([portal.page.waitForEvent('download'), portal.page.locator('[data-export="ndjson"]').click()]);
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ session_id }) => session_id), [session, session]);
  await portal.close();
});
