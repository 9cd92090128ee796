/** The score worker: images to metrics, and what is made of metrics: exports and the evaluation's report. */

import { startWorkerProcess } from './process.ts';
import { exportTask, layoutTask } from './score/export.ts';
import { importTask } from './score/import.ts';
import { reportTask } from './score/report.ts';
import { scoreTask } from './score/score.ts';

await startWorkerProcess('score', (tools) => ({
  score: scoreTask(tools),
  export: exportTask(tools),
  layout: layoutTask(tools),
  import: importTask(tools),
  report: reportTask(tools),
}));
