/** Every kind of case that a model folder can be checked against, by its `component`. */
import path from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { DiptychError } from '../errors.ts';
import { type CaseSummary, type RecordedCase, readCase } from './case.ts';
import { checkClipText } from './clip-text.ts';
import { checkPipeline } from './pipeline.ts';
import { checkUnet } from './unet.ts';
import { checkVae } from './vae.ts';

export interface FolderCheck {
  /** Folder of the network inside a pipeline; "." where the case is about the whole. */
  part: string;
  /** Throws DIPTYCH_BAD_MODEL where a value is another than the recorded one. */
  check(engine: Engine, recorded: RecordedCase, folder: string): Promise<void>;
}

const unet: FolderCheck = { part: 'unet', check: checkUnet };
const vae: FolderCheck = { part: 'vae', check: checkVae };
const pipeline: FolderCheck = { part: '.', check: checkPipeline };

export const FOLDER_CHECKS: Record<string, FolderCheck> = {
  'UNet2DConditionModel, SD1.5 layout': unet,
  'UNet2DConditionModel, SDXL layout': unet,
  AutoencoderKL: vae,
  'AutoencoderKL, old attention key names': vae,
  'CLIP text encoder (quick_gelu)': { part: 'text_encoder', check: checkClipText },
  'CLIP text encoder with projection (exact gelu)': { part: 'text_encoder_2', check: checkClipText },
  'Stable Diffusion, end to end': pipeline,
  'Stable Diffusion XL, end to end': pipeline,
};

/**
 * Runs a model folder (a pipeline, or the folder of the one network) on a recorded case's inputs. Throws
 * DIPTYCH_BAD_MODEL where it gives other values, DIPTYCH_BAD_FILE when the case is none of these.
 */
export async function checkFolder(
  engine: Engine,
  folder: string,
  caseFolder: string,
  isPipeline: boolean,
): Promise<CaseSummary> {
  const recorded = await readCase(caseFolder);
  const known = FOLDER_CHECKS[recorded.component];
  if (!known) {
    throw new DiptychError(
      'DIPTYCH_BAD_FILE',
      `${caseFolder} is a case of "${recorded.component}"; a folder can be checked against ${Object.keys(FOLDER_CHECKS).join('; ')}`,
    );
  }
  const scope = engine.tf.engine();
  scope.startScope();
  try {
    await known.check(engine, recorded, isPipeline ? path.join(folder, known.part) : folder);
  } finally {
    scope.endScope();
  }
  return recorded.summary();
}
