/**
 * `npm run screenshots`: pictures of every page at two widths into docs/images/pages, from the runs in the store, which
 * `npm run demo` fills. DIPTYCH_URL: of a service that runs already.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { openClient } from '../clients/typescript/client.ts';
import { startService } from '../src/cli/service.ts';
import { places } from '../src/store/places.ts';
import { NO_BROWSER, openBrowser } from '../test/browser.ts';

const OUT = path.resolve(import.meta.dirname, '../docs/images/pages');
const WIDTHS = { wide: { width: 1360, height: 900 }, narrow: { width: 360, height: 740 } };

interface Shot {
  name: string;
  path: string;
  scheme?: 'dark';
  /** Waits for what the picture must have, and opens what it is about. */
  ready(page: Page, width: keyof typeof WIDTHS): Promise<unknown>;
}

const shots = (run: string, trainings: string): Shot[] => [
  { name: 'runs', path: '/', ready: (page) => page.locator('.run-row').first().waitFor() },
  {
    name: 'new-run',
    path: '/',
    async ready(page) {
      await page.getByRole('button', { name: 'New run' }).click();
      await page.getByLabel('Candidates', { exact: true }).waitFor();
    },
  },
  { name: 'run', path: `/runs/${run}`, ready: (page) => page.locator('.log li').nth(5).waitFor() },
  {
    name: 'gallery',
    path: `/gallery?run=${run}`,
    scheme: 'dark',
    async ready(page, width) {
      await page.getByLabel('Sort by').selectOption('disagreement');
      if (width === 'narrow') return;
      await page.getByRole('button', { name: /^dpg of candidate 2/ }).click();
      await page.locator('.evidence .questions').waitFor();
    },
  },
  {
    name: 'evidence',
    path: `/gallery?run=${run}`,
    async ready(page) {
      await page.locator('[role=option]').first().click();
      await page.getByRole('button', { name: /^t2i-2d-spatial of candidate 2/ }).click();
      await page.locator('.evidence').scrollIntoViewIfNeeded();
    },
  },
  { name: 'pairs', path: `/pairs?run=${run}`, ready: (page) => page.locator('.pair').first().waitFor() },
  {
    name: 'training',
    path: `/training?runs=${trainings}`,
    ready: (page) => page.locator('.u-legend').nth(3).waitFor(),
  },
];

if (NO_BROWSER) {
  console.error(`no screenshots: ${NO_BROWSER}`);
  process.exit(1);
}
const started = process.env.DIPTYCH_URL ? null : await startService({ home: places().home, log: () => {} });
const url = process.env.DIPTYCH_URL ?? started!.url;
const browser = await openBrowser();
try {
  const done = (await Array.fromAsync(openClient(url).runs())).filter(({ status }) => status === 'succeeded');
  const curated = done.find(({ kind }) => kind === 'curate-then-train');
  if (!curated) throw new Error('no run has curated and trained here; `npm run demo` makes one');
  const trainings = done.filter(({ kind }) => /train/.test(kind)).slice(0, 2);
  await mkdir(OUT, { recursive: true });
  for (const { name, path: address, scheme, ready } of shots(
    curated.id,
    trainings.map(({ id }) => id).join(),
  )) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      const page = await browser.newPage({ viewport, colorScheme: scheme ?? 'light' });
      await page.goto(url + address);
      await ready(page, width as keyof typeof WIDTHS);
      await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
      await page.screenshot({ path: path.join(OUT, `${name}-${width}.png`) });
      await page.close();
      console.log(`${name}-${width}.png`);
    }
  }
} finally {
  await browser.close();
  await started?.stop();
}
