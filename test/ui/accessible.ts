/** What axe says of a page in a browser. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  id: string;
  impact: string;
  nodes: { html: string }[];
}

/** Fails with what axe finds serious in the page as it stands. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  // Not as a script of the page, which its content-security policy would not let in.
  await page.evaluate(AXE);
  const found = await page.evaluate(
    // biome-ignore lint/suspicious/noTsIgnore: axe is a global of the page.
    // @ts-ignore
    async () => (await axe.run()).violations as unknown,
  );
  const serious = (found as Finding[]).filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    serious.map(({ id, nodes }) => [id, nodes[0]!.html]),
    [],
    what,
  );
}

const NARROW = { width: 360, height: 740 };

/** On a screen of 360 pixels the page has no more; charts follow the screen a little later. The screen stays narrow. */
export async function assertNarrow(page: Page, what: string): Promise<void> {
  await page.setViewportSize(NARROW);
  const width = () => document.documentElement.scrollWidth;
  const fits = page.waitForFunction((most) => document.documentElement.scrollWidth <= most, NARROW.width);
  await fits.catch(async () =>
    assert.fail(`${what}: ${await page.evaluate(width)} pixels wide on a screen of 360`),
  );
}
