/**
 * `npm run screenshots`: pictures of every page at two widths into docs/images/pages, from the runs in the store, which
 * `npm run demo` fills. DIPTYCH_URL: of a service that runs already.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { openClient } from '../clients/typescript/client.ts';
import { startService } from '../src/cli/service.ts';
import { places } from '../src/store/places.ts';
import { NO_BROWSER, openBrowser } from '../test/browser.ts';

const OUT = path.resolve(import.meta.dirname, '../docs/images/pages');
const WIDTHS = { wide: { width: 1360, height: 900 }, narrow: { width: 360, height: 740 } };
/** Exports that the pictures show. */
const LAYOUTS = ['pickapic', 'images', 'webdataset', 'quality'] as const;

interface Shot {
  name: string;
  path: string;
  scheme?: 'dark';
  before?(page: Page): Promise<unknown>;
  /** Waits for what the picture must have, and opens what it is about. */
  ready(page: Page, width: keyof typeof WIDTHS): Promise<unknown>;
}

/** On a narrow screen a prompt takes the place of the list. */
async function openFirst(page: Page): Promise<void> {
  await page.locator('.compare-row').first().click();
  await page.locator('.compare-detail').evaluate((detail) => detail.scrollIntoView());
}

const shots = (run: string, trainings: string, exported: string, quality: string): Shot[] => [
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
  {
    name: 'vote',
    path: `/vote?run=${run}&mode=pair`,
    async ready(page) {
      await page.getByLabel('Who votes?').fill('ada');
      await page.getByRole('button', { name: 'Begin' }).click();
      await page.locator('.images[aria-busy=false]').waitFor();
    },
  },
  {
    name: 'compare',
    path: `/compare?run=${run}`,
    async ready(page, width) {
      await page.getByRole('button', { name: /^t2i-clip .*→/ }).waitFor();
      if (width === 'narrow') await openFirst(page);
    },
  },
  {
    name: 'difference',
    path: `/compare?run=${run}`,
    scheme: 'dark',
    async ready(page, width) {
      await page.getByRole('button', { name: /^dpg .*→/ }).click();
      await page.keyboard.press('d');
      if (width === 'narrow') await openFirst(page);
      await page.getByText(/^White: /).waitFor();
    },
  },
  { name: 'datasets', path: '/datasets', ready: (page) => page.locator('.exports a').first().waitFor() },
  {
    name: 'export',
    path: `/datasets/${exported}`,
    ready: (page) => page.locator('.markdown table').waitFor(),
  },
  {
    name: 'quality',
    path: `/datasets/${quality}`,
    scheme: 'dark',
    async ready(page) {
      await page.locator('.quality table').waitFor();
      await page
        .locator('#quality')
        .evaluate((heading) => scrollBy(0, heading.getBoundingClientRect().top - 80));
    },
  },
  {
    name: 'sign-in',
    path: '/',
    async before(page) {
      // As a service with keys answers a browser that has none: the demo's has none.
      const body = JSON.stringify({ needsKey: true, scope: null });
      await page.route('**/v1/session', (route) => route.fulfill({ body, contentType: 'application/json' }));
    },
    ready: (page) => page.getByLabel('Key').waitFor(),
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
  const client = openClient(url);
  const done = (await Array.fromAsync(client.runs())).filter(({ status }) => status === 'succeeded');
  const curated = done.find(({ kind }) => kind === 'curate-then-train');
  if (!curated) throw new Error('no run has curated and trained here; `npm run demo` makes one');
  const trainings = done.filter(({ kind }) => /train/.test(kind)).slice(0, 2);
  const exports = await Promise.all(LAYOUTS.map((layout) => client.askExport(curated.id, { layout })));
  for (const { id } of exports) await client.watchRun(id);
  await mkdir(OUT, { recursive: true });
  for (const { name, path: address, scheme, before, ready } of shots(
    curated.id,
    trainings.map(({ id }) => id).join(),
    exports[0]!.id,
    exports[3]!.id,
  )) {
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      const page = await browser.newPage({ viewport, colorScheme: scheme ?? 'light' });
      await before?.(page);
      await page.goto(url + address);
      await ready(page, width as keyof typeof WIDTHS);
      // Those that are not seen load when they are.
      await page.waitForFunction(() =>
        [...document.images].every(
          (image) =>
            image.complete || !image.checkVisibility() || image.getBoundingClientRect().top > innerHeight,
        ),
      );
      const png = sharp(await page.screenshot()).png({ palette: true, quality: 90, effort: 10 });
      await png.toFile(path.join(OUT, `${name}-${width}.png`));
      await page.close();
      console.log(`${name}-${width}.png`);
    }
  }
} finally {
  await browser.close();
  await started?.stop();
}
