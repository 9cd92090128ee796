/** schemathesis makes requests out of the service's own OpenAPI document: no 5xx, a coded error each time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { ensureSet, upsertAnnotations } from '../../src/store/annotations.ts';
import { useApp } from '../api/app.ts';
import { withoutPython } from '../python.ts';
import { scenes } from '../scenes.ts';
import { temporaryFolder } from '../temporary.ts';

/** The same requests every time, unless another seed is asked for. */
const SEED = process.env.DIPTYCH_FUZZ_SEED ?? '519962555';
const SECONDS = process.env.DIPTYCH_FUZZ_SECONDS ?? '40';

const { store, listen } = await useApp();
const set = await ensureSet(store, 'shapes');
await upsertAnnotations(store, set.id, scenes(5));

test(`the API answers what its document allows and what it does not (seed ${SEED})`, {
  skip: withoutPython,
}, async (t) => {
  const url = await listen();
  const folder = await temporaryFolder(t);
  const schemathesis = spawn(
    'python3',
    [
      ...['-m', 'schemathesis.cli', 'run', `${url}/docs/json`, '--no-color', '--seed', SEED],
      ...['--max-time', SECONDS, '--phases', 'examples,coverage,fuzzing', '--request-timeout', '20'],
      ...['--checks', 'not_a_server_error,response_schema_conformance,coded_error', '--max-failures', '5'],
      // The log of a run that waits for workers has no end.
      ...['--exclude-path', '/v1/runs/{id}/events', '--warnings', 'off', '--suppress-health-check', 'all'],
    ],
    {
      cwd: folder,
      env: {
        ...{ PATH: process.env.PATH, HOME: folder, PYTHONIOENCODING: 'utf-8', PYTHONDONTWRITEBYTECODE: '1' },
        PYTHONPATH: `${process.env.DIPTYCH_PYTHON_PATH}:${import.meta.dirname}`,
        SCHEMATHESIS_HOOKS: 'checks',
      },
    },
  );
  let said = '';
  for (const stream of [schemathesis.stdout, schemathesis.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  const [code] = await once(schemathesis, 'exit');
  assert.equal(code, 0, said);
  // How many requests fit into the time hangs on the machine; each operation but the excluded one gets its own.
  const [, selected, all] = /Selected: (\d+)\/(\d+)/.exec(said) ?? [];
  const [, tested] = /Tested: (\d+)/.exec(said) ?? [];
  const [, generated] = /(\d+) generated/.exec(said) ?? [];
  assert.ok(Number(selected) === Number(all) - 1 && tested === selected, said);
  assert.ok(Number(generated) >= Number(tested), said);
});
