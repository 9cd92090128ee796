/**
 * Pages: the built pages in Chromium on the API process, with 10,000 annotations of four candidates and a training of
 * 100,000 steps. First paint of the list of runs and size of all scripts stand beside their limits; frames while the
 * gallery scrolls stand beside those of a page that has nothing to do, in the same browser: ratio = ours / peer.
 */
import { globSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { openStore } from '../src/store/client.ts';
import { NO_BROWSER, openBrowser } from '../test/browser.ts';
import { firstPaint, layoutShift, PLAIN, scroll } from './pages/browser.ts';
import { curatedRun, longTraining } from './pages/store.ts';
import type { BenchResult } from './run.ts';
import { startApi, withDatabase } from './service/database.ts';

const [ANNOTATIONS, STEPS] = [10_000, 100_000];
/** More than six rows of the gallery a frame: faster than anyone reads. */
const [PAINTS, FRAMES, PIXELS] = [5, 300, 600];
/** Milliseconds between small requests. */
const EVERY = 5;
/** Milliseconds that a page may take on a busy machine. */
const PATIENCE = 120_000;
const BUILT = path.join(import.meta.dirname, '../ui/dist');
const LIMITS = { paint: 1000, script: 250, shift: 0.1, wait: 100 };

export async function run(): Promise<BenchResult[]> {
  if (NO_BROWSER) throw new Error(NO_BROWSER);
  return withDatabase(async (database) => {
    const store = openStore(database.url);
    const curated = await curatedRun(store, database.home, ANNOTATIONS);
    // Each is read for the first time once.
    const [trained, other] = [
      await longTraining(store, database.home, STEPS),
      await longTraining(store, database.home, STEPS),
    ];
    await store.$disconnect();
    const { url } = await startApi(database);
    const browser = await openBrowser();
    try {
      const value = await paints(browser, url);
      const [drawn, timesteps] = await training(browser, url, trained);
      const [again] = await training(browser, url, trained);
      const [, waited] = await beside(`${url}/healthz`, () => training(browser, url, other));
      return [
        limit('pages-script', scriptKilobytes(), 'KB', LIMITS.script),
        limit('pages-first-paint', value, 'ms', LIMITS.paint),
        ...(await gallery(browser, `${url}/gallery?run=${curated}`)),
        limit('pages-training-drawn', drawn, 'ms', LIMITS.paint),
        limit('pages-training-timesteps', timesteps, 'ms', LIMITS.paint),
        limit('pages-training-drawn-again', again, 'ms', LIMITS.paint),
        limit('pages-training-beside', waited, 'ms', LIMITS.wait),
      ];
    } finally {
      await browser.close();
    }
  });
}

const limit = (bench: string, value: number, unit: string, peerValue: number): BenchResult => ({
  ...{ bench, value, unit, peer: 'limit', peerValue, ratio: value / peerValue },
});

const scriptKilobytes = () =>
  globSync('**/*.js.gz', { cwd: BUILT }).reduce(
    (sum, name) => sum + statSync(path.join(BUILT, name)).size,
    0,
  ) / 1000;

/** The middle of some, each in a browser that has nothing kept. */
async function paints(browser: Browser, url: string): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < PAINTS; i++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    all.push(await firstPaint(page));
    await context.close();
  }
  return all.sort((a, b) => a - b)[Math.floor(PAINTS / 2)]!;
}

/** Milliseconds until the curves of a long training are drawn, and those of its timestep ranges once asked for. */
async function training(browser: Browser, url: string, run: string): Promise<[drawn: number, asked: number]> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const start = performance.now();
  await page.goto(`${url}/training?runs=${run}`);
  await page.locator('.u-legend').first().waitFor();
  const drawn = performance.now();
  await page.getByText('Curves by timestep range').click();
  await page.locator('details[open] .u-legend').first().waitFor();
  const asked = performance.now();
  await page.close();
  return [drawn - start, asked - drawn];
}

/** The longest that a small request waits while something goes on. */
async function beside<T>(address: string, work: () => Promise<T>): Promise<[T, longest: number]> {
  let longest = 0;
  let over = false;
  const working = work().finally(() => {
    over = true;
  });
  while (!over) {
    const start = performance.now();
    await (await fetch(address)).arrayBuffer();
    longest = Math.max(longest, performance.now() - start);
    await setTimeout(EVERY);
  }
  return [await working, longest];
}

async function gallery(browser: Browser, address: string): Promise<BenchResult[]> {
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  const start = performance.now();
  await page.goto(address);
  page.setDefaultTimeout(PATIENCE);
  await page.locator('[role=option]').first().waitFor();
  const first = performance.now() - start;
  await page.getByText(`${ANNOTATIONS.toLocaleString('en')} annotations`, { exact: true }).waitFor();
  const all = performance.now() - start;
  const ours = await scroll(page, '.virtual-list', PIXELS, FRAMES);
  const shift = await layoutShift(page);
  await page.setContent(PLAIN(ANNOTATIONS * 92));
  const plain = await scroll(page, '#plain', PIXELS, FRAMES);
  await page.close();
  const besidePlain = (what: string, at: number): BenchResult => {
    const [value, peerValue] = [ours.at(at)!, plain.at(at)!];
    return { bench: what, value, unit: 'ms', peer: 'empty page', peerValue, ratio: value / peerValue };
  };
  console.log(
    `gallery: first row after ${first.toFixed(0)} ms, all ${ANNOTATIONS} after ${all.toFixed(0)} ms`,
  );
  return [
    besidePlain('pages-frame-middle', FRAMES / 2),
    besidePlain('pages-frame-99%', Math.floor(0.99 * FRAMES)),
    besidePlain('pages-frame-longest', -1),
    limit('pages-layout-shift', shift, '', LIMITS.shift),
  ];
}
