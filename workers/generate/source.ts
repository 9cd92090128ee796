/** Where a task's images come from: a model in the numeric thread, or a server that the run's settings name. */
import type { GeneratorSettings, RunSettings } from '../../pipelines/settings.ts';
import type { ImageGenerator } from '../../src/diffusion/image-generator.ts';
import { DiptychError } from '../../src/errors.ts';
import type { ModelFiles } from '../../src/models/folders/fused-model.ts';
import { type Prompt, textPrompt } from '../../src/models/inputs/prompt.ts';
import type { StoredAnnotation } from '../../src/store/annotations.ts';
import { lookUpArtifact } from '../../src/store/artifacts.ts';
import type { Generation, Variant } from '../../src/store/candidates.ts';
import { modelFiles } from '../model-folders.ts';
import type { NumericThread } from '../numeric/client.ts';
import type { Tools } from '../process.ts';
import { type PromptMaker, promptMaker } from '../prompts.ts';
import { remoteGenerator } from '../remote-servers.ts';
import { type Demon, demonOf, demonRequest } from './demon.ts';

export interface Source {
  generator: ImageGenerator;
  /** Whether it works on several requests together; else each is asked for alone. */
  batches: boolean;
  generation: Generation;
  /** What it is told of an annotation. */
  promptOf: PromptMaker;
  /** Everything that decides the image of an annotation, for its request hash. */
  request(prompt: Prompt, seed: number, imgId: string): unknown[];
}

/** @param annotations whose images are wanted */
export async function openSource(
  tools: Pick<Tools, 'store' | 'artifacts' | 'numeric' | 'places'>,
  settings: RunSettings,
  variant: Variant,
  runId: string,
  annotations: readonly StoredAnnotation[],
): Promise<Source> {
  if (settings.generator) return remoteSource(settings.generator, settings.sampling);
  const { compare, evaluation } = settings;
  const { base, tuned } = compare ?? { base: settings.model };
  const named = variant === 'tuned' ? tuned : base;
  const trained = compare ? null : (settings.sourceRun ?? runId);
  const demon =
    variant === 'tuned' && evaluation.demon
      ? await demonOf(tools, settings, evaluation.demon, trained, annotations)
      : null;
  if (named !== undefined)
    return ownSource(tools.numeric, settings, named, modelFiles(named, settings.model), demon);
  const folder = await tunedModel(tools, trained!);
  return ownSource(tools.numeric, settings, `${settings.model}+${trained}`, { model: folder }, demon);
}

async function ownSource(
  numeric: NumericThread,
  { sampling: { steps, guidance } }: RunSettings,
  model: string,
  files: ModelFiles,
  demon: Demon | null,
): Promise<Source> {
  const modelHash = await numeric.call('modelHash', files);
  const sampler = demon ? `demon-${demon.settings.weighting}` : 'ddim';
  return {
    batches: true,
    generation: { model, modelHash, sampler, steps, guidance },
    promptOf: promptMaker(files.model),
    request: (prompt, seed, imgId) => {
      const told = prompt.triples.length > 0 ? prompt : prompt.text;
      const steered = demon ? demonRequest(demon, imgId) : [];
      return ['txt2img', modelHash, told, seed, sampler, steps, guidance, ...steered];
    },
    generator: {
      name: model,
      async generate(requests, options) {
        const prompted = requests.map(({ prompt, triples = [], seed }) => ({
          prompt: { text: prompt, triples },
          seed,
        }));
        const steered = demon && { ...demon, scenes: requests.map(({ scene }) => scene!) };
        const argument = {
          ...{ ...files, requests: prompted, steps, guidance },
          ...(steered && { demon: steered }),
        };
        const images = await numeric.call('generate', argument, options);
        return images.map((image) => ({ image }));
      },
    },
  };
}

function remoteSource(settings: GeneratorSettings, sampling: RunSettings['sampling']): Source {
  const { api, url, model, width, height } = settings;
  const generator = remoteGenerator(settings, sampling);
  // OpenAI's API takes none of these.
  const told =
    api === 'automatic1111'
      ? { sampler: settings.sampler, ...sampling, negativePrompt: settings.negativePrompt }
      : { sampler: null, steps: null, guidance: null, negativePrompt: null };
  const { negativePrompt, sampler, steps, guidance } = told;
  const server = { api, host: new URL(url).host };
  return {
    generator,
    batches: false,
    generation: { model: generator.name, modelHash: null, sampler, steps, guidance, server },
    promptOf: ({ prompt }) => textPrompt(prompt),
    request: ({ text }, seed) => [
      ...[api, url, model ?? null, text, seed, width, height],
      ...[negativePrompt, sampler, steps, guidance],
    ],
  };
}

async function tunedModel(
  { store, artifacts }: Pick<Tools, 'store' | 'artifacts'>,
  runId: string,
): Promise<string> {
  const artifact = await lookUpArtifact(store, runId, 'model');
  if (artifact) return artifacts.local(runId, artifact);
  throw new DiptychError('DIPTYCH_NOT_FOUND', `run ${runId} has no tuned model; it did not train`);
}
