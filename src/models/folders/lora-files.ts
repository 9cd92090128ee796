/**
 * LoRA files of a UNet, as diffusers' load_lora_weights and load_lora_adapter read them. Alpha stands in the
 * header, under lora_adapter_metadata: peft's LoraConfig as JSON, with "unet." before each field where the
 * tensors have it (diffusers loaders/lora_base.py, loaders/peft.py).
 */
import type { Engine } from '../../engine/engine.ts';
import { type HostTensor, readSafetensorsHeader, writeSafetensors } from '../../engine/safetensors.ts';
import { loadWeights, matchWeights, type ParameterSpec } from '../../engine/weights.ts';
import { DiptychError } from '../../errors.ts';
import { adaptableWeights, type LoraConfig, loraConfig, loraParameters } from '../unet/lora.ts';
import type { Network } from './model-folder.ts';

/** The name that load_lora_weights looks for in a folder. */
export const LORA_FILE = 'pytorch_lora_weights.safetensors';

const METADATA = 'lora_adapter_metadata';
const PREFIX = 'unet.';

/** Fields whose other values would change the scale in ways that are not implemented. */
const FIXED: Record<string, unknown> = { use_rslora: false, alpha_pattern: {} };

/**
 * The LoRA layers of a file for the network with these parameters. A file that says nothing of alpha has scale 1,
 * as in diffusers. Throws DIPTYCH_BAD_MODEL naming a tensor that fits nothing, has no partner or another shape
 * or rank than the rest, and metadata that is not supported.
 */
export async function loadLora(
  engine: Engine,
  file: string,
  specs: readonly ParameterSpec[],
): Promise<Network<LoraConfig>> {
  const adaptable = adaptableWeights(specs);
  // Names only: the rank is not known yet.
  const { found, surplus } = await matchWeights([file], loraParameters({ targets: adaptable, rank: 0 }), {
    alias: loraAlias,
  });
  if (surplus.length > 0) {
    const more = surplus.length > 1 ? `, nor do ${surplus.length - 1} other tensors` : '';
    throw bad(
      `${file}: tensor "${surplus[0]}" fits no linear layer or convolution of the UNet${more}; names that are ` +
        'read end in .lora.down.weight and .lora.up.weight, or .lora_A.weight and .lora_B.weight',
    );
  }
  const rank = found.find(({ spec }) => spec.name.endsWith('.lora_A.weight'))?.shape[0];
  if (rank === undefined) throw bad(`${file} holds no LoRA layer`);
  const layers = new Set(found.map(({ spec }) => layerOf(spec.name)));
  const targets = adaptable.filter(({ name }) => layers.has(layerOf(name)));
  const config = loraConfig(targets, rank, (await readAlpha(file)) ?? rank);
  const parameters = loraParameters(config);
  const weights = await loadWeights(engine, file, parameters, { alias: loraAlias });
  return { config, specs: parameters, weights };
}

/**
 * Writes a UNet's LoRA layers for load_lora_weights, with rank and alpha.
 * @param tensors A and B by the names of `loraParameters`, torch layout
 */
export async function saveLora(
  file: string,
  { targets, rank, alpha }: LoraConfig,
  tensors: Record<string, HostTensor>,
): Promise<void> {
  const named = Object.entries(tensors).map(([name, tensor]) => [`${PREFIX}${diffusersName(name)}`, tensor]);
  const fields = { r: rank, lora_alpha: alpha, target_modules: targets.map(({ name }) => layerOf(name)) };
  const prefixed = Object.entries(fields).map(([field, value]) => [`${PREFIX}${field}`, value]);
  await writeSafetensors(file, Object.fromEntries(named), {
    format: 'pt',
    [METADATA]: JSON.stringify(Object.fromEntries(prefixed)),
  });
}

/** Null where the file has no metadata. */
async function readAlpha(file: string): Promise<number | null> {
  const text = (await readSafetensorsHeader(file)).metadata[METADATA];
  if (text === undefined) return null;
  const fields = parseFields(file, text);
  for (const [field, allowed] of Object.entries(FIXED)) {
    const value = JSON.stringify(fields[field] ?? allowed);
    if (value !== JSON.stringify(allowed))
      throw bad(`${file}: "${field}" is ${value}; supported: ${JSON.stringify(allowed)}`);
  }
  const { lora_alpha: alpha } = fields;
  if (!(typeof alpha === 'number' && alpha > 0))
    throw bad(`${file}: "lora_alpha" in ${METADATA} is ${JSON.stringify(alpha)}; it is a number above 0`);
  return alpha;
}

function parseFields(file: string, text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DiptychError('DIPTYCH_BAD_MODEL', `${file}: ${METADATA} is not JSON`, { cause });
  }
  return Object.fromEntries(
    Object.entries(json ?? {}).map(([field, value]) => [
      field.startsWith(PREFIX) ? field.slice(PREFIX.length) : field,
      value,
    ]),
  );
}

/** Other names of A and B: diffusers', and those it gave to attention processors before 0.22; with or without prefix. */
function loraAlias(name: string): string[] {
  const current = diffusersName(name);
  const processor = current.replace(/\.(to_[qkv]|to_out)(\.0)?\.lora\./, '.processor.$1_lora.');
  return [name, current, processor].flatMap((other) => [other, `${PREFIX}${other}`]);
}

const diffusersName = (name: string) =>
  name.replace('.lora_A.', '.lora.down.').replace('.lora_B.', '.lora.up.');
/** "mid.to_q" of "mid.to_q.weight" and of "mid.to_q.lora_A.weight". */
const layerOf = (name: string) => name.replace(/(\.lora_[AB])?\.weight$/, '');
const bad = (message: string) => new DiptychError('DIPTYCH_BAD_MODEL', message);
