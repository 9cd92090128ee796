/** Pause, resume, priority and the workers, in a real browser on the real application; no worker takes the tasks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openQueue } from '../../src/jobs/queue.ts';
import { getRun } from '../../src/jobs/runs.ts';
import { useApp } from '../api/app.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { claim, newRun } from '../jobs/plans.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const services = await useApp();
const { store, boss } = services;

test('a run is paused, resumed and hurried from its page; the runs page shows who works', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const url = await services.listen();
  const worker = await openQueue(services.url, false, 'generate');
  const id = await newRun(store, boss);
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });

  await page.goto(`${url}/runs/${id}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Pause' }).count(), 0);
  await page.getByText(/Asked for at .*, paused$/).waitFor();
  await page.getByText('The run is paused', { exact: true }).waitFor();
  assert.equal((await getRun(store, id)).status, 'paused');
  const stage = page.getByRole('region', { name: 'Stages' }).locator('li.paused');
  assert.equal(await stage.count(), 1);
  await assertAccessible(page, 'a paused run');

  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.getByText('The run goes on: 2 tasks wait').waitFor();
  await page.getByLabel('Priority').selectOption('high');
  await page.getByText('The priority is high now').waitFor();
  assert.equal((await getRun(store, id)).priority, 'high');

  await claim(store, id, 0, 0);
  await page.goto(url);
  await page.getByText('jobs · high priority').waitFor();
  const workers = page.getByRole('region', { name: 'Workers' });
  await workers.getByText('1 are there').waitFor();
  await workers.getByText('working').waitFor();
  await workers.getByRole('link', { name: id.slice(0, 8) }).click();
  await page.getByRole('button', { name: 'Cancel' }).waitFor();

  await worker.stop({ graceful: false });
  await page.goto(url);
  await workers.getByText('None was heard of in the last hour').waitFor();
  await assertAccessible(page, 'runs without workers');
  await assertNarrow(page, 'runs');
});
