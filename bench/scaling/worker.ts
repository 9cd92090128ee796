/** The generate worker, which says when it has begun to look for tasks. */
import { generateTask } from '../../workers/generate/generate.ts';
import { startWorkerProcess } from '../../workers/process.ts';

await startWorkerProcess('generate', (tools) => ({ generate: generateTask(tools) }));
process.send!('ready');
