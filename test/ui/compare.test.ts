/** The page Compare in a real browser on the real service: two model folders from the form to their biggest loss. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { Comparison } from '../../src/evaluation/bootstrap.ts';
import { listScored } from '../../src/store/candidates.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { scenes } from '../scenes.ts';
import { writeChangedModel } from '../service/changed-model.ts';
import { startHome } from '../service/home.ts';
import { temporaryFolder } from '../temporary.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const ANNOTATIONS = 4;

const shown = (change: number) => `${change < 0 ? '−' : '+'}${Math.abs(change).toFixed(3)}`;
const changesOf = (page: Page) =>
  page.locator('.compare-row > :last-child').evaluateAll((all) => all.map((one) => one.textContent));
const images = (page: Page) =>
  page
    .locator('.both img')
    .evaluateAll((all) => all.map((one) => (one as HTMLImageElement).src.split('/').at(-1)));
const visible = (page: Page) =>
  page
    .locator('.flicker > span')
    .evaluateAll((all) => all.map((one) => getComputedStyle(one).visibility === 'visible'));

test('two folders are compared: asked for in the form, then wins, losses, flicker and difference by keys', {
  skip: NO_BROWSER,
  timeout: 300_000,
}, async (t) => {
  const changed = await writeChangedModel(await temporaryFolder(t));

  const { service, store } = await startHome(t, scenes(ANNOTATIONS));
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const broken: string[] = [];
  page.on('pageerror', (thrown) => broken.push(thrown.message));

  await page.goto(`${service.url}/compare`);
  await page.getByText('Nothing to compare yet').waitFor();
  await assertAccessible(page, 'nothing to compare');
  await page.getByRole('button', { name: 'Compare two other models' }).click();
  await page.getByLabel('Held out fraction').fill('1');
  await page.getByLabel('Right').fill(changed);
  await assertAccessible(page, 'the form');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('heading', { name: /^evaluate/ }).waitFor();
  const run = new URL(page.url()).pathname.split('/').at(-1)!;
  await page.getByText('The run has succeeded').waitFor({ timeout: 200_000 });

  await page.getByRole('link', { name: 'Compare', exact: true }).click();
  const rows = page.locator('.compare-row');
  await rows.nth(ANNOTATIONS - 1).waitFor();
  const [base, tuned] = await Promise.all(
    (['base', 'tuned'] as const).map((variant) => listScored(store, run, variant, { limit: 100 })),
  );
  const changes = base!
    .map(({ scores }, i) => tuned![i]!.scores['clip-score']! - scores['clip-score']!)
    .sort((a, b) => b - a);
  // The interval of the page is the report's.
  const artifact = await store.artifact.findFirstOrThrow({ where: { runId: run, name: 'summary.json' } });
  const answer = await fetch(`${service.url}/v1/runs/${run}/artifacts/${artifact.name}`);
  const { metrics } = (await answer.json()) as { metrics: Record<string, Comparison> };
  const head = page.getByRole('button', { name: /^clip-score .*→/ });
  await head.click();
  assert.match(
    (await head.textContent()) ?? '',
    new RegExp(metrics['clip-score']!.interval95.map((x) => shown(x).replace('+', '\\+')).join(' to ')),
  );
  assert.deepEqual(await changesOf(page), changes.map(shown));
  await page.keyboard.press('l');
  await page.getByRole('listbox', { name: /biggest losses of clip-score/ }).waitFor();
  assert.deepEqual(await changesOf(page), changes.toReversed().map(shown));

  const selected = page.locator('[role=option][aria-selected=true]');
  await page.keyboard.press('j');
  const imgId = (await selected.getAttribute('id'))!.replace('row-', '');
  const ofOne = [base!, tuned!].map((side) => side.find((one) => one.imgId === imgId)!);
  assert.notEqual(ofOne[0]!.sha256, ofOne[1]!.sha256);
  assert.deepEqual(
    await images(page),
    ofOne.map(({ sha256 }) => sha256),
  );
  await page.getByText(`seed ${ofOne[0]!.seed} on both sides`).waitFor();
  await page.getByLabel('Evidence', { exact: true }).getByRole('heading', { name: 'Right' }).waitFor();
  await assertAccessible(page, 'compare');

  await page.keyboard.press('f');
  assert.deepEqual(await visible(page), [true, false]);
  await page.keyboard.press('f');
  assert.deepEqual(await visible(page), [false, true]);
  await page.getByRole('button', { name: 'Show the other side' }).click();
  assert.deepEqual(await visible(page), [true, false]);
  await page.keyboard.press('d');
  const canvas = page.locator('.both canvas');
  await page.getByText(/^White: [1-9]\d* of 255 apart/).waitFor();
  const greys = await canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const { data } = (element as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
    return Math.max(...data.filter((_, i) => i % 4 === 0));
  });
  assert.equal(greys, 255);

  // A side against itself: nothing changes, and what was looked at, and how, is still.
  await page.getByLabel('Right').selectOption(`${run}.base`);
  await page.getByText('No pixel differs.').waitFor();
  await page.getByRole('listbox', { name: /biggest losses of clip-score/ }).waitFor();
  assert.equal(await selected.getAttribute('id'), `row-${imgId}`);
  assert.deepEqual(new Set(await changesOf(page)), new Set(['+0.000']));

  await page.getByLabel('Theme').selectOption('dark');
  await assertAccessible(page, 'compare in the dark');
  await assertNarrow(page, 'compare');
  await rows.first().click();
  await page.getByRole('button', { name: '← All prompts' }).waitFor();
  await assertNarrow(page, 'compare');
  assert.deepEqual(broken, []);
});
