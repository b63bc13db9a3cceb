// What a person waits for: the first paint of `/`, and a pack's page, in headless Chromium against a filled database.
//   node benches/packs/page.mjs http://127.0.0.1:8080 alg_a_bench_t100 2026-10-22T18:00:00Z 2026-11-21T18:00:00Z
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const web = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../web/package.json');
const { chromium } = createRequire(web)('playwright-core');
const [base, token, from, to] = process.argv.slice(2);
const RUNS = 5;
const range = `from=${from}&to=${to}`;

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
const packs = await fetch(`${base}/api/v1/packs`, { headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.json());

/** Milliseconds from the navigation's start. A new context each time: nothing is cached. */
async function visit(address, done) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: { authorization: `Bearer ${token}` } });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(base + address, { waitUntil: 'commit' });
  const times = {};
  for (const [name, condition] of Object.entries(done)) {
    times[name] = await page.waitForFunction(condition).then((found) => found.jsonValue());
  }
  await context.close();
  return times;
}

const paint = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
const cards = () => document.querySelector('[data-panel]') && performance.now();
const drawn = () => {
  const seen = [...document.querySelectorAll('[data-panel]')].filter((card) => card.getBoundingClientRect().top < innerHeight);
  return seen.length > 0 && seen.every((card) => !['waiting', 'loading'].includes(card.dataset.state)) && performance.now();
};
const all = () => {
  const panels = [...document.querySelectorAll('[data-panel]')];
  return panels.length > 0 && panels.every((card) => !['waiting', 'loading'].includes(card.dataset.state)) && performance.now();
};

async function line(title, address, done, targets) {
  try {
    await visit(address, done);
  } catch (error) {
    console.log(`| ${title} | never: ${String(error).split('\n')[0]} | | |`);
    return;
  }
  const runs = [];
  for (let n = 0; n < RUNS; n++) runs.push(await visit(address, done));
  for (const name of Object.keys(done)) {
    const sorted = runs.map((run) => run[name]).sort((a, b) => a - b);
    console.log(`| ${title}: ${name} | ${sorted[RUNS >> 1].toFixed(0)} | ${sorted.at(-1).toFixed(0)} | ${targets[name] ?? ''} |`);
  }
}

console.log(`| page | median of ${RUNS}, ms | longest | target |\n|---|---|---|---|`);
await line('/', '/', { 'first paint': paint }, { 'first paint': 1000 });
for (const pack of packs.items ?? []) {
  const done = { 'first paint': paint, 'cards and controls': cards, 'panels in view drawn': drawn, 'all panels drawn': all };
  await line(pack.title, `/packs/${pack.id}?${range}`, done, { 'first paint': 1000, 'panels in view drawn': 2000 });
}
await browser.close();
