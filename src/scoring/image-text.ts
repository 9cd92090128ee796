/**
 * CLIP score, PickScore and HPSv2: cosines of image and prompt. Raw cosines, as Diffusion-DPO's and Inversion-DPO's
 * utilities report them (PickScore 0.22, not 22); the scaled value stands in the evidence.
 */
import { promptText } from '../annotations/prompt.ts';
import type { Metric } from './metric.ts';
import type { ImageTextScorer, ScoringPorts } from './ports.ts';

export const clipScore = cosineMetric('clip-score', (ports) => ports.clip);
export const pickScore = cosineMetric('pickscore', (ports) => ports.pick);
export const hpsV2 = cosineMetric('hpsv2', (ports) => ports.hps!);

function cosineMetric(name: string, port: (ports: ScoringPorts) => ImageTextScorer): Metric {
  return {
    name,
    version: '1',
    async score(subjects, ports) {
      const scorer = port(ports);
      const texts = subjects.map(({ annotation }) => promptText(annotation));
      const scores = await scorer.score(
        subjects.map(({ image }) => image),
        texts,
      );
      return scores.map(({ cosine, scale }, i) => ({
        value: cosine,
        evidence: { scorer: scorer.name, text: texts[i]!, scaled: scale * cosine },
      }));
    },
  };
}

/** PickScore's choice probabilities: the softmax of exp(logit_scale) * cosine over the images of one prompt. */
export function pickProbabilities(scaled: readonly number[]): number[] {
  const top = Math.max(...scaled);
  const weights = scaled.map((x) => Math.exp(x - top));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}
