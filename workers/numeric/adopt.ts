/**
 * What a training script leaves in its output folder, as a model folder: the base's with the UNet that was trained.
 * Text encoders and VAE stay the base's, so that an evaluation compares UNets and nothing else.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Engine } from '../../src/engine/engine.ts';
import { type HostTensor, readTensors } from '../../src/engine/safetensors.ts';
import { disposeWeights, toHost, type Weights } from '../../src/engine/weights.ts';
import { DiptychError } from '../../src/errors.ts';
import { inspectFolder } from '../../src/models/folders/inspect.ts';
import { LORA_FILE, loadLora } from '../../src/models/folders/lora-files.ts';
import { loadNetwork, type Network } from '../../src/models/folders/model-folder.ts';
import { UNET } from '../../src/models/folders/network-kinds.ts';
import { weightFiles } from '../../src/models/folders/weight-files.ts';
import { type LoraConfig, withLora } from '../../src/models/unet/lora.ts';
import { writeModel } from '../../src/training/checkpoints/tuned-model.ts';
import type { TunedFiles } from '../../src/training/policy.ts';

export interface AdoptArgument {
  base: string;
  /** Where the script wrote. */
  output: string;
  /** Gets the folder `model`. */
  folder: string;
}

/**
 * Takes output/unet, as a pipeline or a checkpoint has it, an output that is a UNet's folder itself, or a LoRA, which is
 * merged. Throws DIPTYCH_BAD_MODEL when none of them is there, or the weights are not this UNet's.
 */
export async function adoptModel(
  engine: Engine,
  { base, output, folder }: AdoptArgument,
): Promise<TunedFiles> {
  const model = path.join(folder, 'model');
  const lora = path.join(output, LORA_FILE);
  const unet = [path.join(output, 'unet'), output].find((part) =>
    existsSync(path.join(part, UNET.configFile)),
  );
  if (unet !== undefined) {
    await writeModel(model, base, await readUNet(unet));
    await checkUNet(model, unet);
    return { model };
  }
  if (existsSync(lora)) {
    await writeModel(model, base, await mergedUNet(engine, path.join(base, 'unet'), lora));
    return { model, lora };
  }
  throw new DiptychError(
    'DIPTYCH_BAD_MODEL',
    `the training left no weights in ${output}: neither unet/${UNET.configFile}, ${UNET.configFile} nor ${LORA_FILE} is there. Does its command write to {output}?`,
  );
}

async function readUNet(folder: string): Promise<Record<string, HostTensor>> {
  const files = await weightFiles(folder, UNET.stem);
  return Object.assign({}, ...(await Promise.all(files.map((file) => readTensors(file)))));
}

/** By the base's config, under which the tensors will be used. */
async function checkUNet(model: string, from: string): Promise<void> {
  const { missing, misfits, surplus } = (await inspectFolder(model)).parts.find(
    ({ name }) => name === 'unet',
  )!;
  const wrong = [
    ...missing.map(({ name }) => `tensor "${name}" is missing`),
    ...misfits,
    ...surplus.map((name) => `tensor "${name}" is none of its parameters`),
  ];
  if (wrong.length === 0) return;
  const more = wrong.length > 1 ? `, and ${wrong.length - 1} other tensors don't fit` : '';
  throw new DiptychError('DIPTYCH_BAD_MODEL', `${from} is not the base model's UNet: ${wrong[0]}${more}`);
}

async function mergedUNet(engine: Engine, base: string, file: string): Promise<Record<string, HostTensor>> {
  const { specs, weights } = await loadNetwork(engine, base, UNET);
  let lora: Network<LoraConfig> | undefined;
  try {
    lora = await loadLora(engine, file, specs);
    if (changesNothing(lora.weights)) {
      throw new DiptychError(
        'DIPTYCH_BAD_MODEL',
        `${file} changes nothing: every B in it is 0. Where the training was resumed, its script may have gone on with another LoRA than the one it saved (docs/external-trainers.md)`,
      );
    }
    const { config, weights: layers } = lora;
    let merged: Record<string, HostTensor> = {};
    engine.tf.tidy(() => {
      merged = toHost(withLora(engine, config, weights, layers), specs);
    });
    return merged;
  } finally {
    disposeWeights(weights);
    if (lora) disposeWeights(lora.weights);
  }
}

/** A LoRA adds B A, and B begins as 0. */
function changesNothing(lora: Weights): boolean {
  return Object.entries(lora).every(
    ([name, weight]) => !name.endsWith('.lora_B.weight') || weight.dataSync().every((value) => value === 0),
  );
}
