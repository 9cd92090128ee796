/** The pages in a real browser on the real service: a run from the form to its evidence and its pairs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formPairs } from '../../src/preference/pairs.ts';
import { createReward, DEFAULT_REWARD } from '../../src/scoring/reward.ts';
import { allScored, getCandidate, listScored } from '../../src/store/candidates.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { scenes } from '../scenes.ts';
import { SET, startHome } from '../service/home.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const ANNOTATIONS = 3;

test('a run is asked for with the form, watched to its end, and its evidence and pairs are looked at', {
  skip: NO_BROWSER,
  timeout: 300_000,
}, async (t) => {
  const { service, store } = await startHome(t, scenes(ANNOTATIONS));
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const broken: string[] = [];
  page.on('pageerror', (thrown) => broken.push(thrown.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(service.url)) broken.push(`asked another host: ${request.url()}`);
  });

  await page.goto(service.url);
  await page.getByRole('button', { name: 'Start the first run' }).click();
  await page.getByRole('radio', { name: /^train Train again/ }).check();
  const beta = page.getByLabel('Beta', { exact: true });
  await beta.fill('-1');
  assert.equal(await beta.evaluate((field) => field.matches(':invalid')), true);
  await beta.fill('');
  // Left out, it is the objective's own.
  assert.equal(await beta.evaluate((field) => field.matches(':invalid')), false);
  await page.getByRole('radio', { name: /^curate Draw/ }).check();
  await page.getByLabel('Candidates', { exact: true }).fill('3');
  await page.getByLabel('Sampling steps').fill('0');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  assert.equal(await page.getByLabel('Sampling steps').evaluate((field) => field.matches(':invalid')), true);
  await page.getByLabel('Sampling steps').fill('2');
  await page
    .getByLabel('Settings as JSON')
    .evaluate((area) => area.closest('details')!.setAttribute('open', ''));
  await page.getByLabel('Settings as JSON').fill('{"seed": -1}');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText('settings.seed is -1, must be >= 0').waitFor();
  await page.getByLabel('Settings as JSON').fill('{"heldOutFraction": 0, "pairs": {"margin": 0}}');
  await assertAccessible(page, 'the form');
  await page.getByRole('button', { name: 'Start', exact: true }).click();

  await page.getByRole('heading', { name: `curate · ${SET}` }).waitFor();
  const runId = new URL(page.url()).pathname.split('/')[2]!;
  await page.getByText('generate starts: ').waitFor();
  await page.getByText('The run has succeeded').waitFor({ timeout: 200_000 });
  // The log hears of the end before the run's own view is asked for anew.
  await page.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' });
  const bars = await page.getByRole('progressbar').evaluateAll((all) => all.map((bar) => bar.ariaValueNow));
  assert.deepEqual(bars, ['100', '100', '100']);
  assert.equal(await page.getByRole('button', { name: 'Cancel' }).count(), 0);
  await assertAccessible(page, 'a run');

  await page.getByRole('link', { name: 'Gallery' }).first().click();
  const selected = page.locator('[role=option][aria-selected=true]');
  await selected.waitFor();
  await page.keyboard.press('j');
  assert.equal(await selected.getAttribute('id'), 'row-s001');
  await page.keyboard.press('2');
  const [, second] = (await listScored(store, runId, 'curated', { limit: 100 })).filter(
    ({ imgId }) => imgId === 's001',
  );
  const dpg = (await getCandidate(store, second!.id))!.scores.find(({ metric }) => metric === 'dpg')!;
  const { questions } = dpg.evidence as {
    questions: { id: number; question: string; answer: string; counted: number }[];
  };
  const evidence = page.getByLabel('Evidence', { exact: true });
  await evidence.getByText(questions[0]!.question).waitFor();
  const shown = await evidence.locator('.questions > li').evaluateAll((all) => all.map((li) => li.className));
  assert.deepEqual(
    shown,
    questions.map(({ answer, counted }) => (answer === 'yes' && counted === 0 ? 'zeroed' : answer)),
  );
  await page.getByRole('button', { name: /^t2i-2d-spatial of candidate 1/ }).click();
  await evidence.getByText(/position \d/).waitFor();
  await assertAccessible(page, 'the gallery');
  await page.keyboard.press('/');
  await page.keyboard.type('no such shape');
  await page.getByText('Nothing matches.').waitFor();

  await page.getByRole('link', { name: 'Pairs' }).click();
  const candidates = await Array.fromAsync(allScored(store, runId, 'curated'));
  const reward = await createReward(DEFAULT_REWARD, []);
  const pairsUnder = (policy: 'all' | 'best-worst') =>
    formPairs(
      candidates.map((one) => ({
        ...one,
        annotationId: one.imgId,
        reward: reward(one.scores),
        metrics: one.scores,
      })),
      { policy, margin: 0, ties: 'keep' },
    ).length;
  await page.getByRole('combobox', { name: /^Ties/ }).selectOption('keep');
  await page.waitForFunction(
    (n) => document.querySelector('.figures dd')?.textContent === n,
    String(pairsUnder('all')),
  );
  await page.getByRole('combobox', { name: /^Pairs/ }).selectOption('best-worst');
  await page.waitForFunction(
    (n) => document.querySelector('.figures dd')?.textContent === n,
    String(pairsUnder('best-worst')),
  );
  assert.equal(await page.locator('.figures dd').first().textContent(), String(ANNOTATIONS));
  await assertAccessible(page, 'pairs');

  await page.getByRole('link', { name: 'Training' }).click();
  await page.getByText('Nothing has trained yet').waitFor();
  await page.getByLabel('Theme').selectOption('dark');
  await assertAccessible(page, 'an empty page in the dark');
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of ['/', `/runs/${runId}`, `/gallery?run=${runId}`, `/pairs?run=${runId}`]) {
    await page.goto(service.url + path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await assertNarrow(page, path);
  }
  await assertAccessible(page, 'pairs in the dark, narrow');
  assert.deepEqual(broken, []);
});
