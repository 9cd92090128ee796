/** What each metric says, in a line (docs/metrics.md). */
export const METRICS: Readonly<Record<string, string>> = {
  dpg: 'Share of yes/no questions about the graph answered yes; one counts 0 while a question it depends on is no',
  'sg-iou': "Share of the graph's triples found in the image",
  'entity-iou': "Share of the graph's labels found in the image",
  'relation-iou': "Share of the graph's predicates found in the image",
  't2i-blip-vqa': 'Product of the probability of yes over one question per item',
  't2i-2d-spatial': 'Quarter for each object found, half for its position',
  't2i-clip': 'Cosine of image and prompt without adjectives',
  't2i-3in1': "T2I-CompBench's rule over BLIP-VQA, 2D spatial and CLIP",
  'clip-score': 'Cosine of image and prompt',
  pickscore: "Cosine under PickScore's weights",
  hpsv2: "Cosine under HPSv2's weights",
  aesthetic: "LAION's aesthetic predictor, about 1 to 10",
  'image-reward': 'ImageReward, mostly -2 to 2',
};
