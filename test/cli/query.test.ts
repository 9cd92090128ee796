/** SQL over an export's folder, over single files and over a run, as table, JSON and CSV. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { useApp } from '../api/app.ts';
import { scoredRun, scoreOf } from '../api/scored-run.ts';
import { exportMadeUp, METRICS, madeUp, POLICY } from '../export/made-up.ts';
import { temporaryFolder } from '../temporary.ts';
import { diptych } from './run-command.ts';

const context = await useApp();
const run = await scoredRun(context, 4);
const url = await context.listen();
const folder = await temporaryFolder({ after });
const pairs = { ...POLICY.pairs, ties: 'drop' as const };
await exportMadeUp(await madeUp(20), `${folder}/export`, {
  policy: { ...POLICY, pairs, filters: { minReward: 0.2 } },
  layouts: ['images', 'scores', 'hpdv3', 'image-reward', 'folders', 'arrow'],
});

/** Runs the command; what it prints, and whether it went well. */
async function query(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  const { code, stdout, stderr } = await diptych('query', ...args);
  return { code, out: stdout.replace(/\n$/, ''), said: stderr };
}

async function rows(sql: string, ...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, out, said } = await query(sql, ...args, '--json');
  assert.equal(code, 0, said);
  return JSON.parse(out);
}

test('every layout that is a table has one, by its name', async () => {
  const tables = await rows(
    'SELECT table_name FROM information_schema.tables ORDER BY 1',
    `${folder}/export`,
  );
  assert.deepEqual(
    tables.map(({ table_name }) => table_name),
    ['dropped', 'hpdv3', 'image_reward', 'images', 'scores'],
  );
  // Both splits are in a table, and what was left out is told.
  const sql = `SELECT (SELECT count(*) FROM images) AS kept, (SELECT count(*) FROM dropped WHERE reason = 'reward') AS gone,
                      (SELECT count(DISTINCT metric) FROM scores) AS metrics`;
  const [counts] = await rows(sql, `${folder}/export`);
  assert.equal(counts!.metrics, METRICS.length);
  assert.equal((counts!.kept as number) + (counts!.gone as number), 80);
  assert.ok((counts!.gone as number) > 0);
});

test('layouts join: the best image of each annotation', async () => {
  const sql = `SELECT r.id, i.image_index FROM image_reward r JOIN images i
               ON i.annotation_id = r.id AND i.reward = list_max(r.rewards) WHERE r.id = 'img-0002'`;
  assert.deepEqual(await rows(sql, `${folder}/export`), [{ id: 'img-0002', image_index: 3 }]);
});

test('a table of text, of bytes and of nothing', async () => {
  const sql = 'SELECT image_index AS slot, image, prompt FROM images ORDER BY annotation_id, slot LIMIT 1';
  const { out } = await query(sql, `${folder}/export`);
  assert.match(out, /^slot +image +prompt\n-+ {2}-+ {2}-+\n1 +\{"bytes":".*… {2,}a Würfel 🎲 "rot"$/);
  const bytes = await query('SELECT image.bytes FROM images LIMIT 1', `${folder}/export`);
  assert.match(bytes.out, /^bytes +\n-+\n\d+ bytes *$/);
  const none = await query('SELECT prompt, NULL AS x FROM images WHERE false', `${folder}/export`);
  assert.deepEqual(none.out.split('\n'), ['prompt  x', '------  -']);
  assert.deepEqual(await rows('SELECT 1 AS one WHERE false', `${folder}/export`), []);
});

test('CSV quotes what it must; a large integer stays whole', async () => {
  const file = path.join(folder, "it's-a file.csv");
  await writeFile(file, 'a,b\n"x, ""y""",\n');
  const sql = 'SELECT a, b, 9007199254740993 AS big FROM it_s_a_file';
  const { out } = await query(sql, file, '--csv');
  assert.equal(out, 'a,b,big\n"x, ""y""",,9007199254740993');
});

test('scores, rewards and pairs of a run, from the service', async () => {
  const sql = `SELECT p.annotation_id, p.margin, r.reward, s.value FROM pairs p
     JOIN rewards r ON r.annotation_id = p.annotation_id AND r.image_index = p.winner_index
     JOIN scores s ON s.sha256 = r.sha256 AND s.metric = 'dpg' ORDER BY 1`;
  const got = await rows(sql, '--run', run, '--url', url);
  const want = ['s000', 's001', 's002', 's003'].map((imgId) => {
    const [a, b] = [0, 1].map(
      (slot) => (scoreOf(imgId, slot, 'dpg') + scoreOf(imgId, slot, 'clip-score')) / 2,
    );
    const winner = b! > a! ? 1 : 0;
    return {
      annotation_id: imgId,
      margin: Math.abs(a! - b!),
      reward: Math.max(a!, b!),
      value: scoreOf(imgId, winner, 'dpg'),
    };
  });
  assert.equal(got.length, 4);
  for (const [i, row] of got.entries()) {
    assert.deepEqual([row.annotation_id, row.value], [want[i]!.annotation_id, want[i]!.value]);
    for (const name of ['margin', 'reward'] as const) {
      assert.ok(Math.abs((row[name] as number) - want[i]![name]) < 1e-12);
    }
  }
});

test('what can not be is said with what there is, and nothing stays behind', async () => {
  const scratch = async () =>
    (await readdir(os.tmpdir())).filter((name) => name.startsWith('diptych-query-'));
  const before = await scratch();
  const refused = async (wanted: number, message: RegExp, ...args: string[]) => {
    const { code, said, out } = await query(...args);
    assert.deepEqual([code, out], [wanted, '']);
    assert.match(said, message);
  };
  await refused(
    1,
    /nowhere does not exist[\s\S]+tables: dropped, images, /,
    'SELECT * FROM nowhere',
    `${folder}/export`,
  );
  await refused(1, /syntax error at or near "SELEC"/, 'SELEC 1', `${folder}/export`);
  await refused(1, /there is no file or folder ".+\/none"/, 'SELECT 1', `${folder}/none`);
  await refused(1, /".+" has no layout that is a table/, 'SELECT 1', folder);
  await refused(
    1,
    /scores\.arrows" is no table; a file must end with \.parquet/,
    'SELECT 1',
    `${folder}/export/arrow/scores.arrows`,
  );
  await refused(
    3,
    /^DIPTYCH_NOT_FOUND: there is no run/,
    'SELECT 1',
    '--run',
    '00000000-0000-4000-8000-000000000000',
    '--url',
    url,
  );
  await refused(2, /^FILES are missing.+\ndiptych query SQL \[FILES\.\.\.\] \[OPTIONS\]\n/, 'SELECT 1');
  assert.deepEqual(await scratch(), before);
});
