/** A worker of a curate run (`generate` or `score`) that tells, in seconds, each piece of the run's own work that it did. */
import { generateTask } from '../../workers/generate/generate.ts';
import type { NumericThread } from '../../workers/numeric/client.ts';
import { startWorkerProcess } from '../../workers/process.ts';
import { exportTask } from '../../workers/score/export.ts';
import { scoreTask } from '../../workers/score/score.ts';

export interface Worked {
  stage: string;
  seconds: number;
}

async function told<T>(stage: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    process.send!({ stage, seconds: (performance.now() - start) / 1000 } satisfies Worked);
  }
}

/** Whatever the thread is asked for is numeric work, its models' loading too. */
const timed = (stage: string, numeric: NumericThread): NumericThread => ({
  ...numeric,
  call: (...call) => told(stage, () => numeric.call(...call)),
});

if (process.argv[2] === 'generate') {
  await startWorkerProcess('generate', (tools) => ({
    generate: generateTask({ ...tools, numeric: timed('generate', tools.numeric) }),
  }));
} else {
  await startWorkerProcess('score', (tools) => {
    const exporting = exportTask(tools);
    return {
      score: scoreTask({ ...tools, numeric: timed('score', tools.numeric) }),
      export: (context) => told('export', () => exporting(context)),
    };
  });
}
