/** What metrics need from models that look at images. Replaceable: the sample reader, BLIP, a remote service. */
import type { RgbImage } from '../engine/image.ts';

export interface Answer {
  answer: 'yes' | 'no';
  /** P(yes) / (P(yes) + P(no)), 0 to 1. */
  yes: number;
}

export interface VisualQuestionAnswerer {
  name: string;
  /** One answer per question, in order. */
  answer(image: RgbImage, questions: readonly string[]): Promise<Answer[]>;
}

export interface Detection {
  /** The queried label that it matches. */
  label: string;
  /** [left, top, right, bottom] in pixels. */
  box: readonly [number, number, number, number];
  confidence: number;
}

export interface ObjectDetector {
  name: string;
  /** Boxes for any of the labels, best confidence first. */
  detect(image: RgbImage, labels: readonly string[]): Promise<Detection[]>;
}

export interface ImageTextScore {
  /** Cosine of the image's and the text's embeddings. */
  cosine: number;
  /** exp(logit_scale) of the model. */
  scale: number;
}

export interface ImageTextScorer {
  name: string;
  /** Score of image i with text i. */
  score(images: readonly RgbImage[], texts: readonly string[]): Promise<ImageTextScore[]>;
}

export interface ImageRater {
  name: string;
  /** One number for image i, made for text i; higher is better. */
  rate(images: readonly RgbImage[], texts: readonly string[]): Promise<number[]>;
}

/** The metrics of the optional ones are measured where they are there. */
export interface ScoringPorts {
  answerer: VisualQuestionAnswerer;
  detector: ObjectDetector;
  clip: ImageTextScorer;
  pick: ImageTextScorer;
  hps?: ImageTextScorer;
  aesthetic?: ImageRater;
  imageReward?: ImageRater;
}
