/** From a request for an import to the run that does it. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { DiptychError } from '../src/errors.ts';
import type { Origin } from '../src/import/diptych.ts';
import { filesBelow } from '../src/import/files.ts';
import type { RunPlan, StagePlan } from '../src/jobs/runs.ts';
import { metricNames } from '../src/scoring/score.ts';
import { ensureSet, findSet } from '../src/store/annotations.ts';
import type { Store } from '../src/store/client.ts';
import { uploadFolder } from '../src/store/uploads.ts';
import { checkReward, checkServers } from './plan.ts';
import { type ImportKind, type ImportRequest, type RunSettings, withDefaults } from './settings.ts';
import { scoreStage } from './stages.ts';

/** Settings of a run of kind "import": those of any run, so that others can build on it, and what is imported. */
export interface ImportSettings extends RunSettings {
  import: {
    as: ImportKind;
    /** File or folder on the server. */
    path: string;
    /** Known once it has succeeded, of an export of this project. */
    origin?: Origin;
  };
}

/**
 * Looks at no content: what is wrong with it fails the run. Throws DIPTYCH_INVALID_INPUT for no file, or two ways to
 * name one, and DIPTYCH_NOT_FOUND where images are for a set that is not there.
 */
export async function planImport(
  store: Store,
  uploads: string,
  { as, annotationSet, path: given, upload, score, settings }: ImportRequest,
): Promise<RunPlan> {
  if ((given === undefined) === (upload === undefined)) {
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      'give either path, a file or folder on the server, or upload, the name that files were sent under (PUT /v1/uploads/NAME/FILE)',
    );
  }
  const source = upload === undefined ? given! : uploadFolder(uploads, upload);
  if (!path.isAbsolute(source) || !(await stat(source).catch(() => null))) {
    const what =
      upload === undefined ? `path is "${given}", which is no` : `upload is "${upload}", which has no`;
    throw new DiptychError(
      'DIPTYCH_INVALID_INPUT',
      `${what} file or folder on the server; a path must be absolute`,
    );
  }
  const files = await filesBelow(source);
  const full = withDefaults(settings);
  checkServers('import', full);
  if (as === 'images') checkReward(full.reward.weights, metricNames(full.scoring));
  const set = as === 'images' ? await findSet(store, annotationSet) : await ensureSet(store, annotationSet);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const stored: ImportSettings = { ...full, import: { as, path: source } };
  return {
    kind: 'import',
    setId: set.id,
    settings: { ...stored },
    stages: [readStage(as, bytes), ...(score ? [scoreStage('score', [], 1, ['curated'])] : [])],
  };
}

/** In megabytes, for rows are not known before they are read. Of each kind its own: they take different times. */
function readStage(as: ImportKind, bytes: number): StagePlan {
  return {
    name: `import-${as}`,
    worker: 'score',
    kind: 'import',
    secondsPerUnit: 0.02,
    tasks: [{ units: Math.max(1, Math.ceil(bytes / 1e6)), payload: {} }],
  };
}
