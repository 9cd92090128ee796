/**
 * The files that T2I-CompBench's scripts write beside a category's images (Karine-Huang/T2I-CompBench): a list of
 * {question_id, answer} for each evaluator, and the mean. The answers are Diptych's own metrics.
 */
import type { T2iCategory } from '../annotations/benchmark.ts';
import { mean } from '../mean.ts';
import type { MetricValues } from '../scoring/reward.ts';
import { combined, complexRule } from '../scoring/three-in-one.ts';
import { pythonNumber } from './python-number.ts';

export interface T2iImage {
  prompt: string;
  /** Without `t2i-3in1`: one of the parts failed, and the image is left out. */
  scores: MetricValues;
}

/** Files by name, from the images in the order of prompts and slots. */
type Evaluator = (images: readonly Numbered[]) => Record<string, string>;
interface Numbered extends T2iImage {
  /** Position among all images of the category: the number in the name of its file. */
  index: number;
}

/** Which evaluators the benchmark has for a category; none of them is here for 3D relations and for numbers. */
const EVALUATORS: Record<T2iCategory, readonly Evaluator[]> = {
  color: [blip],
  shape: [blip],
  texture: [blip],
  spatial: [spatial2d],
  non_spatial: [clip],
  complex: [blip, spatial2d, clip, threeInOne],
  '3d_spatial': [],
  numeracy: [],
};

/** By path below the folder of the category; empty where nothing was measured that the benchmark asks for. */
export function t2iResults(category: T2iCategory, images: readonly T2iImage[]): Record<string, string> {
  const measured = images
    .map((image, index) => ({ ...image, index }))
    .filter(({ scores }) => scores['t2i-3in1'] !== undefined);
  if (measured.length === 0) return {};
  return Object.assign({}, ...EVALUATORS[category].map((evaluator) => evaluator(measured)));
}

/** BLIPvqa_eval/BLIP_vqa.py: strings of four decimals, whose mean is the score. */
function blip(images: readonly Numbered[]): Record<string, string> {
  const answers = images.map(({ scores }) => scores['t2i-blip-vqa']!.toFixed(4));
  return {
    'annotation_blip/vqa_result.json': answersText(images, answers),
    'annotation_blip/blip_vqa_score.txt': `BLIP-VQA score:${pythonNumber(mean(answers.map(Number)))}`,
  };
}

/** UniDet_eval/2D_spatial_eval.py, which has a 0 for a prompt without a relation that it knows. */
function spatial2d(images: readonly Numbered[]): Record<string, string> {
  const answers = images.map(({ scores }) => scores['t2i-2d-spatial'] ?? 0);
  const folder = 'labels/annotation_obj_detection_2d';
  return {
    [`${folder}/vqa_result.json`]: answersText(images, answers),
    [`${folder}/avg_score.txt`]: `score avg:${pythonNumber(mean(answers))}`,
    [`${folder}/mapping.json`]: JSON.stringify(
      images.map(({ prompt, index }) => ({ image: imageName(prompt, index), question_id: index })),
    ),
  };
}

/** CLIPScore_eval/CLIP_similarity.py, which writes no mean. */
function clip(images: readonly Numbered[]): Record<string, string> {
  const answers = images.map(({ scores }) => scores['t2i-clip']!);
  return { 'annotation_clip/vqa_result.json': answersText(images, answers) };
}

/** 3_in_1_eval/3_in_1.py, which reads the three files: BLIP-VQA has four decimals there. */
function threeInOne(images: readonly Numbered[]): Record<string, string> {
  const answers = images.map(({ prompt, scores }) =>
    combined(complexRule(prompt), {
      blip: Number(scores['t2i-blip-vqa']!.toFixed(4)),
      spatial: scores['t2i-2d-spatial'] ?? null,
      clip: scores['t2i-clip']!,
    }),
  );
  return {
    'annotation_3_in_1/vqa_result.json': answersText(images, answers),
    'annotation_3_in_1/vqa_score.txt': `score avg:${pythonNumber(mean(answers))}`,
  };
}

const answersText = (images: readonly Numbered[], answers: readonly (string | number)[]) =>
  JSON.stringify(images.map(({ index }, i) => ({ question_id: index, answer: answers[i] })));

/** As the benchmark's inference_eval.py names a sample. */
const imageName = (prompt: string, index: number) => `${prompt}_${String(index).padStart(6, '0')}.png`;
