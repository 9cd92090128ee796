/** The page Datasets in a real browser: an export from the form to downloaded bytes, its card, and its end. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { encodePng } from '../../src/engine/png.ts';
import type { QualityReport } from '../../src/quality/report.ts';
import { useApp } from '../api/app.ts';
import { startLayoutWorker } from '../api/layout-worker.ts';
import { scoredRun } from '../api/scored-run.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const context = await useApp();
const url = await context.listen();
/** As a name that would be an element where anything took it for HTML. */
const SET = '<img src=x onerror=alert(1)>';
const image = (_: string, slot: number) =>
  encodePng({ width: 8, height: 8, data: new Uint8Array(192).fill(40 * slot) });

async function assertFits(page: Page, what: string): Promise<void> {
  await assertNarrow(page, what);
  await page.setViewportSize({ width: 1280, height: 900 });
}

test('an export is asked for with the form, watched, downloaded and checked, read as a card, deleted', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'dark' });
  const broken: string[] = [];
  page.on('pageerror', (thrown) => broken.push(thrown.message));
  page.on('dialog', (dialog) => broken.push(`a dialog: ${dialog.message()}`));

  await page.goto(`${url}/datasets`);
  await page.getByRole('button', { name: 'Make the first export' }).click();
  await page.getByText('No run has scored candidates yet.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Export', exact: true }).isDisabled(), true);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByText('None yet. Runs draw the scene graphs of a set.').waitFor();
  await assertAccessible(page, 'no datasets, in the dark');

  const run = await scoredRun(context, 6, SET, image);
  await context.store.run.update({
    where: { id: run },
    data: {
      settings: {
        ...((await context.store.run.findUniqueOrThrow({ where: { id: run } })).settings as object),
        model: '</code><script>alert(1)</script>',
      },
    },
  });
  await page.reload();
  await page.getByText('6 annotations').waitFor();
  await page.getByRole('button', { name: 'New export' }).click();
  await page.getByRole('dialog').getByText('A row per pair, as Pick-a-Pic has it').waitFor();
  await assertAccessible(page, 'the form');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: `pickapic · ${SET}` }).waitFor();
  assert.equal(await page.getByRole('progressbar').getAttribute('aria-valuenow'), '0');
  const worker = await startLayoutWorker(context);
  t.after(() => worker.stop());
  const files = page.getByRole('region', { name: 'Files with size and SHA-256' }).locator('tbody tr');
  await files.nth(3).waitFor();

  const id = new URL(page.url()).pathname.split('/').at(-1)!;
  const listed = await context.store.artifact.findMany({ where: { runId: id }, orderBy: { name: 'asc' } });
  assert.equal(await files.count(), listed.length);
  for (const { name, sha256, bytes } of listed) {
    const row = files.filter({ has: page.getByRole('link', { name, exact: true }) });
    assert.equal(await row.locator('code').getAttribute('title'), sha256);
    const [download] = await Promise.all([page.waitForEvent('download'), row.getByRole('link').click()]);
    const content = await readFile(await download.path());
    assert.deepEqual(
      [content.length, createHash('sha256').update(content).digest('hex'), download.suggestedFilename()],
      [Number(bytes), sha256, name.split('/').at(-1)],
    );
  }
  const { bytes, version } = await context.store.export.findUniqueOrThrow({ where: { runId: id } });
  assert.equal(
    bytes,
    listed.reduce((sum, file) => sum + file.bytes, 0n),
  );
  await page.getByRole('region', { name: 'Dataset version' }).getByText(version).waitFor();
  const card = page.getByRole('region', { name: 'Dataset card' });
  await card.getByRole('heading', { name: 'Preference pairs (Pick-a-Pic layout)' }).waitFor();
  await card.getByRole('cell', { name: 'jpg_0', exact: true }).waitFor();
  await card.getByText('model: </code><script>alert(1)</script>').waitFor();
  assert.equal(await page.locator('main script, main img[onerror]').count(), 0);
  await assertAccessible(page, 'an export, in the dark');
  await assertFits(page, 'an export');

  await page.getByRole('link', { name: 'Datasets' }).first().click();
  await page.getByRole('link', { name: /^pickapic / }).waitFor();
  await page.getByLabel('Theme').selectOption('light');
  await assertAccessible(page, 'datasets');
  await assertFits(page, 'datasets');
  await page.getByRole('link', { name: /^pickapic / }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  assert.equal(await context.store.export.count(), 1);
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete it with its files' }).click();
  await page.getByText('No exports yet').waitFor();
  assert.equal(await context.store.export.count(), 0);
  assert.deepEqual(broken, []);
});

test('the quality report of a version is drawn: counts, distributions, agreement, what no pair covers', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const run = await scoredRun(context, 6, 'shapes', image);
  const worker = await startLayoutWorker(context);
  t.after(() => worker.stop());
  const { status, body } = await context.send('POST', `/v1/runs/${run}/exports`, { layout: 'quality' });
  assert.equal(status, 201);
  await page.goto(`${url}/datasets/${body.id}`);
  const quality = page.getByRole('region', { name: 'Quality' });
  await quality.getByRole('img', { name: /^reward, mean / }).waitFor();
  const answer = await context.send('GET', `/v1/runs/${run}/quality`);
  const { report } = answer.body as unknown as { report: QualityReport };
  const shown = await quality
    .locator('.counts > div')
    .evaluateAll((all) => all.map((one) => [...one.children].map((part) => part.textContent)));
  assert.deepEqual(shown.slice(0, 4), [
    ['candidates', String(report.candidates)],
    ['without a reward', String(report.candidatesWithoutReward)],
    ['same file as an earlier one', String(report.repeats.exact)],
    ['nearly the same picture', String(report.repeats.near)],
  ]);
  assert.equal(await quality.getByRole('row').count(), 1 + report.agreement.length);
  await quality.getByText(`${report.coverage.items.distinct} items`).waitFor();
  await assertAccessible(page, 'a quality report');
  await assertFits(page, 'a quality report');
});
