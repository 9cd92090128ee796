/**
 * Config and parameters of LAION-SG's scene-graph encoder (mengcye/LAION-SG: sgEncoderTraining/sgEncoder), under the
 * names of its state dict. `logit_scale` of that state dict is used nowhere and stays in the file.
 */
import type { ParameterSpec } from '../../engine/weights.ts';
import { size } from '../layers/config-fields.ts';
import { linear } from '../layers/parameter-lists.ts';

export interface SceneGraphEncoderConfig {
  /** Width of the text states: 2048 for SDXL's two encoders side by side. */
  clipDim: number;
  /** Width of vertices and edges between the graph layers. */
  embedDim: number;
  /** Width inside a graph layer. */
  width: number;
  /** Graph layers after the first one. */
  layers: number;
}

/** Throws DIPTYCH_BAD_MODEL that quotes a field which is no positive whole number. */
export function parseSceneGraphEncoderConfig(json: Record<string, unknown>): SceneGraphEncoderConfig {
  const graph = (json.graph_cfg ?? {}) as Record<string, unknown>;
  const flat = { ...json, 'graph_cfg.width': graph.width, 'graph_cfg.layers': graph.layers };
  const sized = (field: string) => size('scene-graph encoder config', flat, field);
  return {
    clipDim: sized('clip_dim'),
    embedDim: sized('embed_dim'),
    width: sized('graph_cfg.width'),
    layers: sized('graph_cfg.layers'),
  };
}

/** Prefixes of the graph layers, in the order that they run. */
export const graphLayers = ({ layers }: SceneGraphEncoderConfig): string[] => [
  'graph_conv',
  ...Array.from({ length: layers }, (_, i) => `graph_net.gconvs.${i}`),
];

export function sceneGraphEncoderParameters(config: SceneGraphEncoderConfig): ParameterSpec[] {
  const { clipDim, embedDim, width } = config;
  return [
    { name: 'alpha_obj', shape: [1], kind: 'vector' },
    ...linear('projection_mlp_1', clipDim, embedDim, false),
    ...graphLayers(config).flatMap((layer) => [
      ...linear(`${layer}.net1.0`, 3 * embedDim, width),
      ...linear(`${layer}.net1.2`, width, 2 * width + embedDim),
      ...linear(`${layer}.net2.0`, width, width),
      ...linear(`${layer}.net2.2`, width, embedDim),
    ]),
    ...linear('projection_mlp_2', embedDim, clipDim, false),
  ];
}
