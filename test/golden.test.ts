/** Every recorded case (test/golden, or DIPTYCH_GOLDEN), each by its component. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { components } from './components/index.ts';
import { engine } from './components/tensors.ts';
import { goldenCase, goldenFolder } from './golden.ts';

const folder = goldenFolder();
const names = readdirSync(folder).filter((name) => existsSync(path.join(folder, name, 'case.json')));

test(`there are cases in ${folder}`, () => assert.ok(names.length > 0));

for (const name of names.sort()) {
  const golden = await goldenCase(path.join(folder, name));
  test(`${name}: ${golden.component}`, async () => {
    const check = components[golden.component];
    assert.ok(
      check,
      `there is no component "${golden.component}"; there are ${Object.keys(components).join('; ')}`,
    );
    engine.tf.engine().startScope();
    try {
      await check(golden);
    } finally {
      engine.tf.engine().endScope();
    }
    const { checks, worst, at } = golden.summary();
    assert.ok(checks > 0, 'nothing was checked');
    const furthest = at ? `largest deviation ${worst.toPrecision(3)} of the tolerance, in ${at}` : 'exact';
    console.log(`${name.padEnd(22)} ${String(checks).padStart(4)} checks, ${furthest}`);
  });
}
