/** A run that is larger than a page holds: the page has the first of it, says so and asks for no more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { useApp } from '../api/app.ts';
import { runToJudge } from '../api/run-to-judge.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';
import { until } from '../wait.ts';

const { store, blobs, listen } = await useApp();
const url = await listen();

/** Annotations of the run that the page is told of; a page ends with its 20,200th. */
for (const [total, held] of [
  [50_000, '20,200'],
  [20_100, '20,100'],
] as const) {
  test(`of ${total} annotations the gallery has ${held}`, {
    skip: NO_BROWSER,
    timeout: 120_000,
  }, async (t) => {
    const run = await runToJudge(store, blobs, 1);
    const browser = await openBrowser();
    t.after(() => browser.close());
    const page = await browser.newPage();
    page.on('pageerror', (error) => assert.fail(error));
    let told = 0;
    await page.route('**/items?*', (route) => {
      const limit = Number(new URL(route.request().url()).searchParams.get('limit'));
      const count = Math.min(limit, total - told);
      const items = Array.from({ length: count }, (_, i) => ({
        ...{ imgId: `${told + i}`, prompt: 'a boat', labels: ['boat'], relations: [], failed: [] },
        candidates: [],
      }));
      told += count;
      return route.fulfill({ json: { items, next: count === limit ? `${told}` : null } });
    });
    await page.goto(`${url}/gallery?run=${run}`);
    const heading = page.getByRole('status');
    await until('all is there', async () => (await heading.first().textContent()) === `${held} annotations`);
    assert.equal(await page.getByRole('note').count(), total > 20_200 ? 1 : 0);
    assert.ok(told <= 22_200, `asked for ${told}`);
  });
}
