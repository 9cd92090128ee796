/** The generate worker: prompts to images, four an annotation. */
import { generateTask } from './generate/generate.ts';
import { startWorkerProcess } from './process.ts';

await startWorkerProcess('generate', (tools) => ({ generate: generateTask(tools) }));
