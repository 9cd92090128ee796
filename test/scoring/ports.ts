/** Ports that answer from tables, for tests of the metrics' own arithmetic. */
import type { Annotation } from '../../src/annotations/annotation.ts';
import type { Metric, ScoringMode, Subject } from '../../src/scoring/metric.ts';
import type { Detection, ImageRater, ImageTextScorer, ScoringPorts } from '../../src/scoring/ports.ts';

export interface Tables {
  /** P(yes) per question; a question that is not here fails the test. */
  yes?: Record<string, number>;
  /** What the detector finds, best first, by label. */
  boxes?: Detection[];
  /** Cosine per text. */
  cosines?: Record<string, number>;
  /** Aesthetic score and ImageReward per text. */
  rates?: Record<string, number>;
}

function known<T>(table: Record<string, T> | undefined, key: string): T {
  const value = table?.[key];
  if (value === undefined) throw new Error(`nobody expected "${key}"`);
  return value;
}

function tableScorer(name: string, scale: number, { cosines }: Tables): ImageTextScorer {
  const score = (text: string) => ({ cosine: known(cosines, text), scale });
  return { name, score: async (_images, texts) => texts.map(score) };
}

export function tablePorts(tables: Tables): ScoringPorts {
  const { yes, boxes = [] } = tables;
  return {
    answerer: {
      name: 'table-answerer',
      answer: async (_image, questions) =>
        questions.map((question) => {
          const probability = known(yes, question);
          return { answer: probability > 0.5 ? 'yes' : 'no', yes: probability };
        }),
    },
    detector: {
      name: 'table-detector',
      detect: async (_image, labels) => boxes.filter(({ label }) => labels.includes(label)),
    },
    clip: tableScorer('table-clip', 100, tables),
    pick: tableScorer('table-pick', 50, tables),
  };
}

/** What a metric says of one image that does not fail. */
export async function measured(metric: Metric, one: Subject, ports: ScoringPorts, mode: ScoringMode) {
  const [result] = await metric.score([one], ports, mode);
  if (result && 'failed' in result) throw new Error(result.failed);
  return result;
}

/** The ports that a run may do without. */
export function optionalTablePorts(tables: Tables) {
  const rater = (name: string): ImageRater => ({
    name,
    rate: async (_images, texts) => texts.map((text) => known(tables.rates, text)),
  });
  return {
    hps: tableScorer('table-hps', 100, tables),
    aesthetic: rater('table-aesthetic'),
    imageReward: rater('table-image-reward'),
  } satisfies Partial<ScoringPorts>;
}

/** A subject whose picture nobody looks at. */
export function subject(annotation: Annotation, width = 480, height = 480): Subject {
  return { annotation, image: { width, height, data: new Uint8Array(3 * width * height) } };
}

/** A red circle RELATION a blue square, and so on; items in no relation when `relations` is short. */
export function graph(items: string[], relations: [number, string, number][] = []): Annotation {
  return {
    img_id: 'g',
    items: items.map((text, item_id) => {
      const words = text.split(' ');
      return { item_id, label: words.at(-1)!, attributes: words.slice(0, -1) };
    }),
    relations: relations.map(([item1, relation, item2]) => ({ item1, relation, item2 })),
  };
}
