/** Signing in with a key, in a real browser on a service that asks for keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildApp } from '../../src/api/app.ts';
import { createKey } from '../../src/store/api-keys.ts';
import { useApp } from '../api/app.ts';
import { NO_BROWSER, openBrowser } from '../browser.ts';

const services = await useApp();

test('the pages ask for a key where the service does, show what is there with it, and forget it', {
  skip: NO_BROWSER,
  timeout: 120_000,
}, async (t) => {
  const { key } = await createKey(services.store, 'page', 'read');
  const app = await buildApp(services, { exposed: true });
  services.closing.unshift(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  const field = page.getByLabel('Key');
  await field.fill('dip_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.match((await page.getByRole('alert').textContent()) ?? '', /key/);
  await field.fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await field.waitFor();
});
