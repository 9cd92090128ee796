/** The train worker. */
import { startWorkerProcess } from './process.ts';
import { trainTask } from './train/train.ts';

await startWorkerProcess('train', (tools) => ({ train: trainTask(tools) }));
