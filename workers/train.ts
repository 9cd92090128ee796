/** The train worker. */
import { computeInChains } from '../src/engine/threads.ts';
import { startWorkerProcess } from './process.ts';
import { trainTask } from './train/train.ts';

computeInChains();
await startWorkerProcess('train', (tools) => ({ train: trainTask(tools) }));
