/** The page Training in a real browser on the real application, beside a training that goes on. */
import assert from 'node:assert/strict';
import { appendFile, mkdir } from 'node:fs/promises';
import { test } from 'node:test';
import { ensureSet } from '../../src/store/annotations.ts';
import { telemetryFile } from '../../src/training/telemetry/run-telemetry.ts';
import { useApp } from '../api/app.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { stepEntry } from '../training/step-entry.ts';
import { assertAccessible, assertNarrow } from './accessible.ts';

const { store, trainFolder, listen } = await useApp();

test('curves and alarms come as the training goes on, those of timestep ranges when they are asked for', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const url = await listen();
  const { id: setId } = await ensureSet(store, 'set');
  const { id } = await store.run.create({
    data: {
      ...{ kind: 'train', settings: { train: { objective: 'inversion-dpo' } }, setId, status: 'running' },
      stages: { create: { ordinal: 0, name: 'train', status: 'running', total: 9, secondsPerUnit: 1 } },
    },
  });
  const add = async (step: number, given = {}) =>
    appendFile(telemetryFile(trainFolder(id)), `${JSON.stringify(stepEntry({ step, ...given }))}\n`);
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const asked: string[] = [];
  page.on('request', (request) => void asked.push(new URL(request.url()).search));

  await page.goto(`${url}/training`);
  await page.getByText('No step yet').waitFor();
  await mkdir(trainFolder(id), { recursive: true });
  await add(1, { loss: 0.625 });
  await add(2, { loss: 0.5 });
  await page.getByRole('img', { name: /^loss over the steps, .* last at 0\.500$/ }).waitFor();
  await page.getByText('No alarm').waitFor();
  assert.ok(asked.every((search) => !search.includes('buckets=true')));

  await add(3, { loss: Math.LN2, gradNorm: 0 });
  await page.getByText('policy and reference are equal', { exact: false }).waitFor();
  await page.getByText('Curves by timestep range').click();
  await page
    .getByRole('img', { name: /^timestep-300\/loserError over the steps, .* last at 0\.00300$/ })
    .waitFor();
  await page.getByText(/^\d+ more curves$/).click();
  await page.getByRole('img', { name: /^learningRate over the steps/ }).waitFor();
  await assertAccessible(page, 'curves');
  await assertNarrow(page, 'curves');
});
