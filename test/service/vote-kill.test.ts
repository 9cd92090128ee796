/** People vote while the API process is killed again and again: no vote that was answered is lost, none counts twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderBlobs } from '../../src/store/blobs.ts';
import { listVotes } from '../../src/store/votes.ts';
import { runToJudge } from '../api/run-to-judge.ts';
import { until } from '../wait.ts';
import { startHome } from './home.ts';

const [ANNOTATIONS, VOTERS, KILLS] = [2, ['ada', 'bob'], 2];
/** Of each voter: every two of four candidates. */
const EACH = 6 * ANNOTATIONS;

interface Next {
  items: { shown: { id: string }[] }[];
  judged: number;
  total: number;
}

test('killed between and during votes, the API keeps each that it answered, once', {
  timeout: 240_000,
}, async (t) => {
  const { home, service, store, log } = await startHome(t, []);
  const run = await runToJudge(store, folderBlobs(`${home}/blobs`), ANNOTATIONS);
  const votes = `${service.url}/v1/runs/${run}/votes`;
  const serverPids = () =>
    log.flatMap((line) => /^server: started as process (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  const answered: string[] = [];
  let unanswered = 0;

  /** As the page does: asks what is next, votes, and asks again where no answer came. */
  async function voteAll(voter: string): Promise<void> {
    for (;;) {
      const next = (await until('the API answers', () => ask(`${votes}/next?voter=${voter}`), 60)) as Next;
      assert.equal(next.total, EACH);
      if (next.items.length === 0) return;
      const shown = next.items[0]!.shown.map(({ id }) => id);
      const body = { voter, shown, outcome: 'ranking', ranking: shown, seconds: 1 };
      const vote = (await ask(votes, body)) as { id: string } | null;
      if (vote) answered.push(vote.id);
      else unanswered++;
    }
  }

  async function killer(): Promise<void> {
    for (let i = 1; i <= KILLS; i++) {
      const goal = (i * VOTERS.length * EACH) / (KILLS + 1);
      await until(`${goal} votes are answered`, async () => answered.length >= goal, 60);
      const before = serverPids().length;
      process.kill(serverPids().at(-1)!, 'SIGKILL');
      await until('the API is started again', async () => serverPids().length > before, 60);
    }
  }
  await Promise.all([...VOTERS.map(voteAll), killer()]);

  const standing = await listVotes(store, run);
  assert.equal(standing.length, VOTERS.length * EACH);
  const ids = standing.map(({ id }) => id);
  assert.deepEqual(
    answered.filter((id) => !ids.includes(id)),
    [],
  );
  for (const voter of VOTERS) {
    const own = standing.filter((vote) => vote.voter === voter).map(({ candidates }) => candidates.join());
    assert.equal(new Set(own).size, EACH);
  }
  // Each vote that stands was made by one revision of the run.
  const { voteRevision } = await store.run.findUniqueOrThrow({ where: { id: run } });
  assert.equal(voteRevision, standing.length);
  assert.equal(serverPids().length, KILLS + 1);
  t.diagnostic(`${answered.length} answered, ${unanswered} sent to a dead API`);
});

/** The answer, or null where nobody answers. A refusal fails the test. */
async function ask(url: string, body?: object): Promise<unknown> {
  const options = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  let response: Response;
  try {
    response = await fetch(url, options);
  } catch {
    return null;
  }
  const text = await response.text().catch(() => null);
  if (text === null) return null;
  assert.ok(response.ok, `${response.status} ${text}`);
  return JSON.parse(text);
}
