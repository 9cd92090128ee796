/**
 * The state dict of open_clip's CLIP (mlfoundations/open_clip: src/open_clip/model.py), read into the weights that
 * `clip.ts` computes with: other names, query, key and value stacked in one tensor, projections as [in, out].
 */
import type { Engine, Tensor } from '../../engine/engine.ts';
import { loadWeights, type ParameterSpec, type Weights } from '../../engine/weights.ts';
import { type ClipConfig, clipParameters } from './clip.ts';

/** Where a parameter of CLIPModel stands in open_clip's file. */
interface Source {
  /** The file's tensor, under its name and with its shape. */
  spec: ParameterSpec;
  /** Which third of it, along torch's first axis; undefined for all of it. */
  third?: number;
}

/** Parts of CLIPModel's names, and what open_clip calls them. */
const RENAMED: readonly [ours: RegExp, theirs: string][] = [
  [/^text_model\.encoder\.layers/, 'transformer.resblocks'],
  [/^text_model\.embeddings\.token_embedding/, 'token_embedding'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^text_model\.final_layer_norm/, 'ln_final'],
  [/^vision_model\.encoder\.layers/, 'visual.transformer.resblocks'],
  [/^vision_model\.embeddings\.class_embedding$/, 'visual.class_embedding'],
  [/^vision_model\.embeddings\.patch_embedding/, 'visual.conv1'],
  [/^vision_model\.embeddings\.position_embedding\.weight$/, 'visual.positional_embedding'],
  [/^vision_model\.pre_layrnorm/, 'visual.ln_pre'],
  [/^vision_model\.post_layernorm/, 'visual.ln_post'],
  [/\.layer_norm([12])\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
  [/\.self_attn\.[qkv]_proj\./, '.attn.in_proj_'],
];
/** The order in which in_proj stacks them. */
const STACKED = ['.q_proj.', '.k_proj.', '.v_proj.'];
/** Matrices that open_clip multiplies from the right. */
const PROJECTIONS: Record<string, string> = {
  'text_projection.weight': 'text_projection',
  'visual_projection.weight': 'visual.proj',
};

function sourceOf(spec: ParameterSpec): Source {
  const projection = PROJECTIONS[spec.name];
  if (projection) {
    // [in, out] is the engine's own layout of a linear weight: the file's axes stay as they are.
    return { spec: { name: projection, shape: spec.shape.toReversed(), kind: 'embedding' } };
  }
  const name = RENAMED.reduce((text, [ours, theirs]) => text.replace(ours, theirs), spec.name);
  const third = STACKED.findIndex((part) => spec.name.includes(part));
  if (third < 0) return { spec: { ...spec, name } };
  const [rows, ...rest] = spec.shape as [number, ...number[]];
  return { spec: { ...spec, name, shape: [3 * rows, ...rest] }, third };
}

/** The tensors of the file, each once, under its names. */
export function openClipParameters(config: ClipConfig): ParameterSpec[] {
  const specs = clipParameters(config).map((spec) => sourceOf(spec).spec);
  return [...new Map(specs.map((spec) => [spec.name, spec])).values()];
}

/**
 * Weights under the names of `clipParameters`. Throws DIPTYCH_BAD_MODEL that names the file's tensor when it is
 * missing or has another shape.
 */
export async function loadOpenClipWeights(
  engine: Engine,
  files: string | readonly string[],
  config: ClipConfig,
): Promise<Weights> {
  const { tf } = engine;
  const read = await loadWeights(engine, files, openClipParameters(config));
  const weights: Weights = {};
  const stacked = new Set<Tensor>();
  for (const spec of clipParameters(config)) {
    const { name } = spec;
    const source = sourceOf(spec);
    const tensor = read[source.spec.name]!;
    if (source.third === undefined) weights[name] = tensor;
    else {
      // Torch's first axis is the engine's last one, of a linear weight and of a bias.
      weights[name] = tf.keep(tf.tidy(() => tf.split(tensor, 3, -1)[source.third!]!));
      stacked.add(tensor);
    }
  }
  for (const tensor of stacked) tensor.dispose();
  return weights;
}
