/** A planted secret comes out nowhere: not in text, logs, events, failures, settings or answers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { appendEvent, readEvents } from '../src/jobs/events.ts';
import { recordFailures } from '../src/jobs/failures.ts';
import { failTask } from '../src/jobs/tasks.ts';
import { withoutSecrets } from '../src/secrets.ts';
import { useApp } from './api/app.ts';
import { execute } from './database.ts';
import { claim, failureOf, newRun } from './jobs/plans.ts';

const PLANTED = 'sk-planted/"secret"+7f3a';
const OWN = `diptych_${'k'.repeat(43)}`;
process.env.DIPTYCH_VISION_API_KEY = `${PLANTED}\n`;
const context = await useApp();
const { store, boss, send } = context;

/** As it is, in JSON and in a URL. */
const forms = [PLANTED, JSON.stringify(PLANTED).slice(1, -1), encodeURIComponent(PLANTED), OWN];
function holdsNone(text: string): void {
  for (const form of forms) assert.ok(!text.includes(form), text);
}

test('text loses secrets in every form, and keeps the rest', () => {
  const text = `before ${PLANTED} ${JSON.stringify({ a: PLANTED })} ?k=${encodeURIComponent(PLANTED)} ${OWN} after`;
  const hidden = withoutSecrets(text);
  holdsNone(hidden);
  assert.match(hidden, /^before \*\*\* \{"a":"\*\*\*"\} \?k=\*\*\* diptych_\*\*\* after$/);
  const environment = {
    DATABASE_URL: 'postgresql://user:pass%2Fword@host/db',
    DIPTYCH_GENERATOR_USER: 'me:open sesame',
  };
  assert.equal(withoutSecrets('pass/word pass%2Fword open sesame me', environment), '*** *** *** me');
  assert.equal(withoutSecrets('nothing to hide', {}), 'nothing to hide');
});

test('a log line has none, in its message, its fields and its error', () => {
  const program = `import { log } from ${JSON.stringify(path.resolve(import.meta.dirname, '../src/log.ts'))};
    const secret = ${JSON.stringify(PLANTED)} + ' ${OWN}';
    log.child({ run: 'R', task: 'T', attempt: 3 }).error({ err: new Error(secret), url: 'x?' + secret }, secret);`;
  const { stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { encoding: 'utf8', env: { ...process.env, DIPTYCH_LOG_LEVEL: 'info' } },
  );
  holdsNone(stderr);
  const line = JSON.parse(stderr);
  assert.deepEqual([line.level, line.run, line.task, line.attempt], ['error', 'R', 'T', 3]);
  assert.ok(line.msg.includes('***') && line.err.stack.includes('***'));
});

test('events, failures, runs and answers have none', async () => {
  const run = await newRun(store, boss);
  const said = `it said ${PLANTED} and ${OWN}`;
  await appendEvent(store, run, 'trainer-output', { line: said, step: 1, steps: 2, secondsLeft: null });
  const task = await claim(store, run, 0, 0);
  const failure = await failureOf(store, 0, said);
  await store.$transaction((tx) => recordFailures(tx, task, [failure]));
  for (const seq of [0, 1]) {
    const each = seq === 0 ? task : await claim(store, run, 0, seq);
    await failTask(store, each, said);
  }
  const kept = await execute(
    context.url,
    `SELECT (SELECT jsonb_agg(e) FROM event e)::text || (SELECT jsonb_agg(t) FROM task t)::text
       || (SELECT jsonb_agg(r) FROM run r)::text || (SELECT jsonb_agg(f) FROM item_failure f)::text AS text`,
  );
  const text = String(kept[0]!.text);
  assert.ok(text.includes('it said ***'));
  holdsNone(text);
  assert.ok((await readEvents(store, run, '0', 100)).length > 2);
  const answers = [
    await send('GET', `/v1/runs/${run}`),
    await send('GET', `/v1/nothing/${encodeURIComponent(PLANTED)}`),
    await send('POST', '/v1/runs', { kind: PLANTED, annotationSet: 'x' }),
    await send('POST', '/v1/runs', { kind: 'curate', annotationSet: `${PLANTED} ${OWN}` }),
    await send('POST', '/v1/runs', {
      ...{ kind: 'curate', annotationSet: 'x' },
      settings: { generator: { api: 'openai-images', url: `https://user:${OWN}@x.test/` } },
    }),
  ];
  for (const { body } of answers) holdsNone(JSON.stringify(body));
});
