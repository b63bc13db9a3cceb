// SQL of one's own: completion, table, chart, errors at their place.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { apiRequest, sendEvents, storedEvents, toolResult } from './claude.mjs';
import { Portal, startBrowser } from './portal.mjs';
import { startServer } from './server.mjs';

let server;
let browser;
const session = randomUUID();

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  await sendEvents(server.otlp, [apiRequest(session), apiRequest(session, { model: 'claude-opus-4-5', request_id: `req_${session}_opus`, at: Date.now() - 3_600_000 }), toolResult(session)]);
  await storedEvents(server.base, session, 3);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const PER_HOUR = 'SELECT toStartOfHour(timestamp) AS time, event_class, count() AS events FROM events GROUP BY ALL ORDER BY time';
const rows = (portal) => portal.page.locator('tr[data-row]');
async function open(query, more = '') {
  const portal = await Portal.open(browser, server.base, null);
  await portal.visit(query === null ? '/explore' : `/explore?query=${encodeURIComponent(query)}${more}`);
  return portal;
}
async function type(portal, text) {
  await portal.part('editor').click();
  await portal.page.keyboard.press('Control+a');
  await portal.page.keyboard.press('Delete');
  await portal.page.keyboard.insertText(text);
}

test('an empty page offers examples and the tables; one of them runs, and the address has it', async () => {
  const portal = await open(null);
  await portal.part('empty').getByText('events_by_minute', { exact: true }).waitFor();
  await portal.waitForText('limits', /\d+ s/);
  await portal.assertLooks();
  await portal.part('empty').getByRole('link', { name: 'Events per hour, by class' }).click();
  await portal.waitForText('facts', /rows?/);
  assert.match(new URL(portal.page.url()).searchParams.get('query'), /toStartOfHour/);
  await portal.page.goBack();
  await portal.part('empty').waitFor();
  await portal.close();
});

test('names of tables, columns and functions are completed; Ctrl Enter runs', async () => {
  const portal = await open(null);
  await portal.part('empty').getByText('events_by_minute', { exact: true }).waitFor();
  await type(portal, 'SELECT  FROM usage');
  for (let at = 0; at < ' FROM usage'.length; at++) await portal.page.keyboard.press('ArrowLeft');
  await portal.page.keyboard.type('cost_u');
  const option = (name) => portal.page.locator('.cm-tooltip-autocomplete li').filter({ hasText: name }).first();
  await option('cost_usd').waitFor();
  await portal.assertAccessible();
  await portal.page.keyboard.press('Escape');
  await portal.page.keyboard.press('Backspace');
  await portal.page.keyboard.press('Backspace');
  for (let at = 0; at < 4; at++) await portal.page.keyboard.press('Backspace');
  await portal.page.keyboard.type('uniqEx');
  await option('uniqExact').waitFor();

  await type(portal, 'SELECT model, cost_usd FROM usage ORDER BY model');
  await portal.page.keyboard.press('Control+Enter');
  await portal.waitForText('facts', '2 rows');
  assert.deepEqual(await rows(portal).evaluateAll((all) => all.map((row) => row.cells[1].textContent)), ['claude-opus-4-5', 'claude-sonnet-4-5']);
  assert.equal(await rows(portal).first().locator('td.num').nth(1).textContent(), '0.012345');
  await portal.assertLooks();
  await portal.close();
});

test('thousands of rows scroll, one of them opens whole, and the file has all', async () => {
  const portal = await open("SELECT number, toString(number * 3) AS text, if(number % 2 = 0, NULL, 1) AS half FROM numbers(20000)");
  await portal.waitForText('facts', 'first 10,000 rows');
  assert.ok((await rows(portal).count()) < 100);
  await portal.page.getByRole('grid').focus();
  await portal.page.keyboard.press('End');
  await rows(portal).filter({ hasText: '29997' }).first().waitFor();
  await portal.page.keyboard.press('Enter');
  await portal.page.getByRole('dialog').getByText('29997').waitFor();
  await portal.assertAccessible();
  await portal.page.keyboard.press('Escape');
  const [download] = await Promise.all([portal.page.waitForEvent('download'), portal.page.getByRole('button', { name: 'CSV' }).click()]);
  assert.equal((await readFile(await download.path(), 'utf8')).trim().split('\n').length, 20_001);
  await portal.close();
});

test('the same rows as a chart, of a kind and of columns that one chooses', async () => {
  const portal = await open(PER_HOUR, '&view=chart');
  await portal.part('chart').getByRole('img').waitFor();
  await portal.assertLooks();
  await portal.page.getByLabel('Kind of chart').selectOption('columns');
  await portal.part('chart').locator('rect').first().waitFor();
  await portal.page.getByLabel('Kind of chart').selectOption('bars');
  await portal.page.getByLabel('x axis').selectOption('event_class');
  await portal.page.getByLabel('Series', { exact: true }).selectOption('-');
  await portal.part('chart').getByRole('listitem').filter({ hasText: 'llm' }).filter({ hasText: '2' }).waitFor();
  await portal.assertLooks();
  assert.match(portal.page.url(), /kind=bars/);
  await portal.close();
});

test('an error stands at its place in the query', async () => {
  const portal = await open('SELECT user_id,\n  coount() AS n\nFROM events GROUP BY 1');
  await portal.waitForText('fault', 'line 2, column 3');
  assert.equal(await portal.page.locator('.cm-fault').innerText(), 'coount');
  await portal.assertLooks();
  await type(portal, 'SELEC 1');
  await portal.page.getByTestId('run').click();
  await portal.waitForText('fault', 'Syntax error');
  await portal.waitForText('fault', 'line 1, column 7');
  await type(portal, 'SELECT throwIf(number = 70000) FROM numbers(1000000)');
  await portal.page.getByTestId('run').click();
  await portal.waitForText('fault', 'throwIf');
  await type(portal, 'DROP TABLE events');
  await portal.page.getByTestId('run').click();
  await portal.page.getByTestId('fault').filter({ hasNotText: 'throwIf' }).waitFor();
  portal.forgive(400);
  portal.forgive(403);
  await portal.close();
});

test('no rows, no chart, while it runs, and a query that is called off', async () => {
  const portal = await open('SELECT 1 AS one WHERE 0');
  await portal.waitForText('nothing', 'No rows');
  await portal.assertLooks();
  await portal.visit(`/explore?view=chart&query=${encodeURIComponent("SELECT 'a' AS text")}`);
  await portal.waitForText('nothing', 'A chart needs');

  await portal.visit('/explore');
  await portal.context.route('**/api/v1/sql', () => {});
  await type(portal, 'SELECT 2');
  await portal.page.keyboard.press('Control+Enter');
  await portal.page.getByRole('status').filter({ hasText: 'Running' }).waitFor();
  await portal.assertLooks();
  await portal.part('cancel').click();
  await portal.page.getByRole('status').filter({ hasText: 'Cancelled' }).waitFor();
  await portal.part('run').waitFor();
  await portal.close();
});
