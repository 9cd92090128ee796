/** What the training of a scene-graph encoder can be told; defaults as in LAION-SG (configs_laion.py), but the steps. */

export interface SceneGraphSettings {
  /** Optimizer steps. */
  steps: number;
  /** Images a step. LAION-SG takes one at a time and adds up the gradients of 64. */
  batch: number;
  /** The highest; see sceneGraphRateAt. */
  learningRate: number;
  /** Of the weight matrices; biases and the scalar in front of the graph don't decay. */
  weightDecay: number;
  maxGradNorm: number;
  checkpointEvery: number;
  seed: number;
}

export const DEFAULT_SCENE_GRAPH: SceneGraphSettings = {
  steps: 2000,
  batch: 8,
  learningRate: 5e-4,
  weightDecay: 0.2,
  maxGradNorm: 10,
  checkpointEvery: 50,
  seed: 1,
};

const LONGEST_WARM_UP = 10_000;
/** Of the steps, where that is shorter. */
const WARM_UP_SHARE = 0.05;

/** Linear warm-up, then half a cosine down to 0; step counts from 1. */
export function sceneGraphRateAt({ steps, learningRate }: SceneGraphSettings, step: number): number {
  const warmUp = Math.min(LONGEST_WARM_UP, Math.ceil(WARM_UP_SHARE * steps));
  if (step <= warmUp) return (learningRate * step) / warmUp;
  return (learningRate * (1 + Math.cos((Math.PI * (step - 1 - warmUp)) / (steps - warmUp)))) / 2;
}
