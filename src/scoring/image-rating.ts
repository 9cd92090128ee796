/** LAION's aesthetic score and ImageReward: numbers on scales of their own. */
import { promptText } from '../annotations/prompt.ts';
import type { Metric } from './metric.ts';
import type { ImageRater, ScoringPorts } from './ports.ts';

/** About 1 to 10; the prompt has no say. */
export const aesthetic = ratingMetric('aesthetic', (ports) => ports.aesthetic!);
/** Standardised: mostly -2 to 2. */
export const imageReward = ratingMetric('image-reward', (ports) => ports.imageReward!);

function ratingMetric(name: string, port: (ports: ScoringPorts) => ImageRater): Metric {
  return {
    name,
    version: '1',
    async score(subjects, ports) {
      const rater = port(ports);
      const texts = subjects.map(({ annotation }) => promptText(annotation));
      const ratings = await rater.rate(
        subjects.map(({ image }) => image),
        texts,
      );
      return ratings.map((value, i) => ({ value, evidence: { rater: rater.name, text: texts[i]! } }));
    },
  };
}
