/** The page Vote in a real browser, with keys, against the API and a database. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { listVotes, type StoredVote } from '../../src/store/votes.ts';
import { useApp } from '../api/app.ts';
import { runToJudge } from '../api/run-to-judge.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { until } from '../wait.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

/** Folder to leave pictures of the page in; absent: none. */
const PICTURES = process.env.DIPTYCH_SCREENSHOTS;

const { store, blobs, listen } = await useApp();
const url = await listen();
let browser: Browser;

/** The page of a run in one mode, as somebody votes; what it logs as an error fails the test. */
async function open(run: string, mode: string, voter: string, width = 1280): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  page.on('pageerror', (error) => assert.fail(error));
  await page.addInitScript((name) => localStorage.setItem('voter', name), voter);
  await page.goto(`${url}/vote?run=${run}&mode=${mode}`);
  await seen(page);
  return page;
}

/** Once every image can be seen: from then on the page takes answers. */
const seen = (page: Page) => page.waitForSelector('.images[aria-busy=false]');
/** Hashes of the images, from the left. */
const shownImages = (page: Page) =>
  page.$$eval('.images img', (images) =>
    images.map((image) => (image as HTMLImageElement).src.split('/').at(-1)!),
  );
const judged = (page: Page, text: string) =>
  page.waitForSelector(`.progress [role=status]:text-is("${text}")`);

/** Once that many stand. */
function votes(run: string, count: number): Promise<StoredVote[]> {
  return until(`${count} votes stand`, async () => {
    const standing = await listVotes(store, run);
    return standing.length === count && standing;
  });
}

async function sha256Of(ids: readonly string[]): Promise<string[]> {
  const rows = await store.candidate.findMany({ where: { id: { in: [...ids] } } });
  const byId = new Map(rows.map(({ id, sha256 }) => [id, sha256]));
  return ids.map((id) => byId.get(id)!);
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: path.join(PICTURES, `${name}.png`), fullPage: true });
}

describe('Vote', { skip: NO_BROWSER, concurrency: false }, () => {
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser?.close());

  test('two images: keys prefer left, right, both good, both bad; undo takes back the last, also after a reload', async () => {
    const run = await runToJudge(store, blobs, 4);
    const page = await open(run, 'pair', 'ada');
    await judged(page, '0 of 24 judged');
    const shown: string[][] = [];
    for (const [i, key] of ['1', 'ArrowRight', 'g', 'b'].entries()) {
      await seen(page);
      shown.push(await shownImages(page));
      await page.keyboard.press(key);
      await judged(page, `${i + 1} of 24 judged`);
    }
    const standing = await votes(run, 4);
    for (const [i, vote] of standing.entries()) assert.deepEqual(await sha256Of(vote.shown), shown[i]);
    assert.deepEqual(
      standing.map(({ outcome, ranking, shown }) => [outcome, shown.indexOf(ranking[0]!)]),
      [
        ['ranking', 0],
        ['ranking', 1],
        ['both-good', -1],
        ['both-bad', -1],
      ],
    );
    assert.ok(standing.every(({ seconds }) => seconds > 0 && seconds < 60));
    await picture(page, 'vote-pair');

    await page.keyboard.press('u');
    await judged(page, '3 of 24 judged');
    assert.deepEqual(await shownImages(page), shown[3]);
    await page.reload();
    await judged(page, '3 of 24 judged');
    await seen(page);
    assert.deepEqual(await shownImages(page), shown[3]);
    await page.keyboard.press('Backspace');
    await judged(page, '2 of 24 judged');
    assert.deepEqual(await shownImages(page), shown[2]);
    assert.equal((await votes(run, 2)).length, 2);
    await assertAccessible(page, 'two images');
    await page.close();
  });

  test('a ranking of four by keys and by clicks, a choice taken back on the way', async () => {
    const run = await runToJudge(store, blobs, 2);
    const page = await open(run, 'rank', 'ada');
    for (const key of ['3', '4', 'u', '1']) await page.keyboard.press(key);
    assert.equal(
      await page.getAttribute('.images li:nth-child(1) button', 'aria-label'),
      'image 1 of 4, ranked 2',
    );
    await picture(page, 'vote-rank');
    await page.keyboard.press('2');
    await judged(page, '1 of 2 judged');
    await seen(page);
    for (const name of ['Rank image 2 of 4 next', 'Rank image 1 of 4 next', 'Rank image 4 of 4 next']) {
      await page.getByRole('button', { name }).click();
    }
    await judged(page, '2 of 2 judged');
    await page.getByText('You have judged everything.').waitFor();
    const places = (await votes(run, 2)).map(({ ranking, shown }) => ranking.map((id) => shown.indexOf(id)));
    assert.deepEqual(places, [
      [2, 0, 1, 3],
      [1, 0, 3, 2],
    ]);
    await page.close();
  });

  test('nothing that the page holds tells which model an image is of; the study ends with its result', async () => {
    const run = await runToJudge(store, blobs, 3);
    const page = await open(run, 'study', 'ada');
    const labels = await page.$$eval('.ballot [aria-label], .ballot img', (elements) =>
      elements.map((element) => element.getAttribute('aria-label') ?? element.getAttribute('alt')),
    );
    assert.deepEqual(labels, ['Scene graph', 'Prefer image 1 of 2', '', 'Prefer image 2 of 2', '']);
    assert.doesNotMatch(await page.innerHTML('.ballot'), /tuned|base|slot|seed|curated/i);
    for (let i = 0; i < 3; i++) {
      await seen(page);
      const [left] = await sha256OfVariant(run, 'tuned', await shownImages(page));
      await page.keyboard.press(left ? '1' : '2');
      await judged(page, `${i + 1} of 3 judged`);
    }
    await votes(run, 3);
    await page.getByText('Result so far').click();
    const fact = page.locator('dd').first();
    await fact.getByText('100%').waitFor();
    assert.equal(await fact.textContent(), '100%95%: 44% to 100%3 annotations: 3 tuned, 0 base, 0 neither');
    await picture(page, 'vote-study');
    await assertAccessible(page, 'a study with its result');
    await page.close();
  });

  test('the voter is asked for a name, which stays in the browser; typing it is no vote; another starts anew', async () => {
    const run = await runToJudge(store, blobs, 1);
    const page = await browser.newPage({ viewport: { width: 360, height: 800 } });
    await page.goto(`${url}/vote?run=${run}`);
    await page.getByLabel('Who votes?').fill(' bob 1');
    await page.keyboard.press('Enter');
    await seen(page);
    await picture(page, 'vote-narrow');
    await assertNarrow(page, 'a vote');
    await page.keyboard.press('2');
    assert.equal((await votes(run, 1))[0]!.voter, 'bob 1');
    await page.reload();
    await judged(page, '1 of 6 judged');
    await page.getByRole('button', { name: 'Somebody else' }).click();
    await page.getByLabel('Who votes?').fill('cy');
    await page.getByRole('button', { name: 'Begin' }).click();
    await judged(page, '0 of 6 judged');
    assert.equal((await listVotes(store, run)).length, 1);
    await page.close();
  });

  test('the images of the comparisons to come are loaded before they are shown', async () => {
    const run = await runToJudge(store, blobs, 2);
    const page = await open(run, 'pair', 'ada');
    const loads = () =>
      page.evaluate(
        () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/blobs/')).length,
      );
    // Four candidates of either annotation, of which one comparison shows two.
    while ((await loads()) < 8) await page.waitForTimeout(20);
    for (let i = 1; i <= 3; i++) {
      await page.keyboard.press('1');
      await judged(page, `${i} of 12 judged`);
      await seen(page);
    }
    assert.equal(await loads(), 8);
    await page.close();
  });
});

/** For each image whether it is of the variant. */
async function sha256OfVariant(
  runId: string,
  variant: string,
  images: readonly string[],
): Promise<boolean[]> {
  const rows = await store.candidate.findMany({ where: { runId, variant } });
  const known = new Set(rows.map(({ sha256 }) => sha256));
  return images.map((sha256) => known.has(sha256));
}
