/**
 * How a process's cores share its work. An operation of a small network lasts a fraction of a millisecond: to hand it out
 * to threads and wait for all of them costs about as much as they save. With one thread for each operation, and graphs
 * in which as many parts of a batch as there are cores depend on nothing of each other (chains.ts), TensorFlow keeps all
 * cores busy, and they meet at the graph's end alone. TensorFlow reads the environment once, when it is loaded.
 */
import os from 'node:os';

/**
 * Machines of more cores keep TensorFlow's threads: they are there for large networks, some of whose functions are not
 * traced, and would be left with one thread.
 */
const MOST_CHAINS = 4;

/** Environment of a process whose operations take so many threads each; one is the caller's own. */
export const threadsEach = (count: number) => ({
  TF_NUM_INTRAOP_THREADS: String(count),
  ...(count === 1 && { TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD: '1' }),
});

/**
 * To be called on a process's main thread before it opens an engine, where most of its work is small networks on whole
 * batches. What the environment says of threads already stands, and machines of many cores stay as they are.
 */
export function computeInChains(): void {
  if (process.env.TF_NUM_INTRAOP_THREADS || os.availableParallelism() > MOST_CHAINS) return;
  Object.assign(process.env, threadsEach(1));
}

/** How many chains keep this process's cores busy; 1 where operations have threads to share them out to. */
export const usefulChains = (): number =>
  process.env.TF_NUM_INTRAOP_THREADS === '1' ? Math.min(MOST_CHAINS, os.availableParallelism()) : 1;
