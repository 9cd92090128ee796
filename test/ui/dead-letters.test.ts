/** Tasks that were given up, on the page of the runs, in a real browser on the real application. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buryTask } from '../../src/jobs/dead-letters.ts';
import { cancelRun, getRun } from '../../src/jobs/runs.ts';
import { useApp } from '../api/app.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { claim, failureOf, newRun } from '../jobs/plans.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const services = await useApp();
const { store, boss } = services;

test('a task that was given up is shown with its reason and what is lost, and is tried again', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const url = await services.listen();
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const given = page.getByRole('region', { name: 'Given up' });

  const failed = await newRun(store, boss);
  await page.goto(url);
  await page.getByText('jobs').first().waitFor();
  assert.equal(await given.count(), 0);
  await buryTask(store, boss, await claim(store, failed, 0, 0), [], 'the disk is full');
  const { reason: _, ...lost } = await failureOf(store, 1, '');
  const other = await newRun(store, boss);
  await buryTask(store, boss, await claim(store, other, 0, 0), [lost], 'its worker ended');

  await page.reload();
  const [second, first] = [given.getByRole('listitem').nth(0), given.getByRole('listitem').nth(1)];
  await second.getByText('The run goes on without failing.').waitFor();
  await first.getByText('the disk is full').waitFor();
  await first.getByText('The run can not go on without it.').waitFor();
  await assertAccessible(page, 'tasks that were given up');
  await assertNarrow(page, 'tasks that were given up');

  // Done with it: the service says so, and the letter stays.
  await cancelRun(store, other);
  await second.getByRole('button').click();
  await given.getByText(`run ${other} is cancelled`).waitFor();
  await first.getByRole('button').click();
  await given.getByText('the disk is full').waitFor({ state: 'detached' });
  assert.equal((await getRun(store, failed)).status, 'running');
  assert.equal(await given.getByRole('listitem').count(), 1);
});
