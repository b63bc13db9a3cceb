// A browser with the portal open, and the questions that the tests ask of it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

/** Playwright gives every launch a user data directory of its own. */
export const startBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS });

export class Portal {
  /** What the browser complained about: errors, refused styles and scripts. `search` null: nothing is opened yet. */
  complaints = [];

  static async open(browser, base, search = '', options = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const portal = new Portal();
    portal.context = context;
    portal.page = await context.newPage();
    portal.page.setDefaultTimeout(10_000);
    portal.page.on('console', (message) => ['error', 'warning'].includes(message.type()) && portal.complaints.push(message.text()));
    portal.page.on('pageerror', (error) => portal.complaints.push(String(error)));
    await portal.page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
    });
    portal.base = base;
    if (search !== null) await portal.page.goto(base + '/' + search);
    return portal;
  }

  /** Another page, loaded anew. */
  async visit(path) {
    await this.page.goto(this.base + path);
  }

  path = () => new URL(this.page.url()).pathname;

  /** Refusals that a test is about are no complaints. */
  forgive(status) {
    this.complaints = this.complaints.filter((text) => !text.includes(`status of ${status} `));
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }

  part = (name) => this.page.getByTestId(name);
  row = (id) => this.page.locator(`tr[data-id="${id}"]`);
  legend = (name) => this.page.locator(`[data-class="${name}"]`);

  /** One typed column in the open panel, as shown. */
  column = (name) => this.part('panel').locator(`[data-column="${name}"] .value`);

  async waitForText(name, expected, options = {}) {
    await this.part(name).filter({ hasText: expected }).waitFor(options);
  }

  /** The pixel of an event's dot, once it is drawn. */
  async dot(id, options = {}) {
    const handle = await this.page.waitForFunction((wanted) => window.__feed?.positionOf(wanted) ?? false, id, options);
    return handle.jsonValue();
  }

  /** Waits until an event has neither dot nor row. */
  async gone(id) {
    await this.page.waitForFunction((wanted) => window.__feed.positionOf(wanted) === null, id);
    await this.row(id).waitFor({ state: 'detached' });
  }

  async openDot(id) {
    const { x, y } = await this.dot(id);
    await this.page.mouse.click(x, y);
    await this.part('panel').waitFor();
  }

  /** In both themes, in a wide window and on a phone: nothing sticks out, and it is accessible. */
  async assertLooks() {
    for (const width of [1440, 390]) {
      for (const colorScheme of ['light', 'dark']) {
        await this.page.setViewportSize({ width, height: 844 });
        await this.page.emulateMedia({ colorScheme });
        await this.page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, colorScheme);
        await this.assertNoSidewaysScroll();
        await this.assertAccessible();
      }
    }
    await this.page.setViewportSize({ width: 1440, height: 900 });
  }

  async assertNoSidewaysScroll() {
    const { wide, width } = await this.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, width: innerWidth }));
    assert.ok(wide <= width, `the page is ${wide} px wide in a window of ${width} px`);
  }

  async assertAccessible() {
    // By evaluation, not by a script tag: the page's CSP rightly refuses foreign scripts.
    await this.page.evaluate(await readFile(AXE, 'utf8'));
    const found = await this.page.evaluate(async () => {
      const { violations } = await window.axe.run(document);
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
    });
    assert.deepEqual(found, []);
  }
}
