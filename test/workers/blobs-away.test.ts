/** A store of blobs that is away for a while costs a task one try, not all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiptychError } from '../../src/errors.ts';
import type { TaskContext } from '../../src/jobs/worker.ts';
import { waitingForBlobs } from '../../workers/blobs-away.ts';

const away = new DiptychError('DIPTYCH_BLOBS_UNAVAILABLE', 'the server is away');
const context = (signal = new AbortController().signal) =>
  ({ task: { id: 'a task' }, signal, progress() {} }) as unknown as TaskContext;

/** A store that is away for so many looks. */
function storeAway(looks: number) {
  let looked = 0;
  return {
    looked: () => looked,
    async check() {
      if (++looked <= looks) throw away;
    },
  };
}
const failing = (thrown: Error) => async () => {
  throw thrown;
};

test('a try that found the store away ends when it is there again', async () => {
  const store = storeAway(1);
  await assert.rejects(waitingForBlobs(store, failing(away))(context()), away);
  assert.equal(store.looked(), 2);
});

test('other errors wait for nothing, and what goes well is handed on', async () => {
  const store = storeAway(9);
  const broken = new DiptychError('DIPTYCH_BAD_FILE', 'broken');
  await assert.rejects(waitingForBlobs(store, failing(broken))(context()), broken);
  const write = async () => {};
  assert.equal(await waitingForBlobs(store, async () => write)(context()), write);
  assert.equal(store.looked(), 0);
});

test('a worker that is to stop waits no longer', async () => {
  const stopping = new AbortController();
  const check = async () => {
    stopping.abort();
    throw away;
  };
  await assert.rejects(waitingForBlobs({ check }, failing(away))(context(stopping.signal)), away);
});
