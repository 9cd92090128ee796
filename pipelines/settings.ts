/** What a run can be asked for: one schema, from which validation, defaults, the API page and the types come. */
import { type Static, Type } from 'typebox';
import { Default } from 'typebox/value';
import { DEFAULT_DEMON, DEMON_WEIGHTINGS } from '../src/diffusion/demon.ts';
import { LAYOUT_NAMES } from '../src/export/layouts/index.ts';
import { PARQUET_WRITERS } from '../src/export/parquet-writers.ts';
import { PRIORITIES } from '../src/jobs/queue.ts';
import { DEFAULT_PAIRS, PAIR_POLICIES, TIE_RULES } from '../src/preference/pairs.ts';
import { SCORING_MODES } from '../src/scoring/metric.ts';
import { DEFAULT_REWARD, REWARD_POLICIES } from '../src/scoring/reward.ts';
import { METRIC_NAMES } from '../src/scoring/score.ts';
import {
  DEFAULT_LORA,
  DEFAULT_ON_POLICY,
  DEFAULT_TRAIN,
  DEFAULT_VALIDATION,
  INVERSION_FORMS,
  OBJECTIVES,
  type ObjectiveSettings,
  OPTIMIZERS,
  objectiveSettings,
  PRECISIONS,
  SCHEDULES,
  TIMESTEP_WEIGHTS,
  TUNED_CHOICES,
} from '../src/training/settings.ts';

export const RUN_KINDS = ['curate', 'train', 'curate-then-train', 'evaluate'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

const oneOf = <T extends string>(values: readonly T[], fallback: T, description: string) =>
  Type.Enum([...values] as unknown as T[], { default: fallback, description });
const whole = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Integer({ minimum, maximum, default: fallback, description });
const positive = (fallback: number, description: string) =>
  Type.Number({ exclusiveMinimum: 0, default: fallback, description });
const folderOf = (what: string) =>
  Type.Optional(Type.String({ description: `Folder of ${what}; absent: not measured` }));
const closed = { additionalProperties: false, default: {} };

export const GENERATOR_APIS = ['automatic1111', 'openai-images'] as const;

/** What every server of somebody else's is used with. */
const remote = (about: string, timeoutSeconds: number) => ({
  url: Type.String({ description: `${about}; credentials come from the environment (docs/remote.md)` }),
  concurrency: whole(1, 256, 4, 'Requests at once'),
  // Node's fetch gives up by itself after 300 seconds without a header.
  timeoutSeconds: whole(1, 300, timeoutSeconds, 'For one try'),
  tries: whole(1, 20, 5, 'Of one request, with growing waits between them'),
});
const pixels = (description: string) => ({ ...whole(64, 4096, 512, description), multipleOf: 8 });

/** Of a server that draws the images of a run. */
const Generator = Type.Object(
  {
    api: Type.Enum([...GENERATOR_APIS], { description: 'What the server speaks' }),
    ...remote('Base URL: http://127.0.0.1:7860, https://api.openai.com/v1', 300),
    model: Type.Optional(
      Type.String({ minLength: 1, description: "Its name there; absent: the server's own choice" }),
    ),
    width: pixels('Pixels of every image'),
    height: pixels('Pixels of every image'),
    negativePrompt: Type.String({ default: '', description: 'automatic1111 alone' }),
    sampler: Type.String({ default: 'DDIM', description: 'automatic1111 alone: its name there' }),
  },
  { additionalProperties: false },
);
export type GeneratorSettings = Static<typeof Generator>;

/** Of a server that answers questions about images, in the place of the answerer. */
const VisionEndpoint = Type.Object(
  {
    ...remote('Base URL of a server with OpenAI chat completions: https://api.openai.com/v1', 60),
    model: Type.String({ minLength: 1, description: 'Its name there' }),
  },
  { additionalProperties: false },
);
export type VisionSettings = Static<typeof VisionEndpoint>;

const Reward = {
  policy: oneOf(REWARD_POLICIES, DEFAULT_REWARD.policy, 'How metrics become one number'),
  weights: Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
    default: DEFAULT_REWARD.weights,
    description: `Weight of each metric (${METRIC_NAMES.join(', ')}); metrics not named have no say`,
  }),
};

const Pairs = {
  policy: oneOf(PAIR_POLICIES, DEFAULT_PAIRS.policy, 'Which candidates are compared'),
  margin: Type.Number({
    minimum: 0,
    default: DEFAULT_PAIRS.margin,
    description: 'Largest difference of rewards that is a tie',
  }),
  ties: oneOf(TIE_RULES, DEFAULT_PAIRS.ties, 'What becomes of ties'),
};

export const RunSettings = Type.Object(
  {
    seed: whole(0, 2 ** 31 - 1, 1, 'Decides every random choice of the run'),
    model: Type.String({
      default: 'sample',
      description: 'Text-to-image model: "sample", or a folder in diffusers layout on the server',
    }),
    clip: Type.String({ default: 'sample', description: 'CLIPModel for CLIP score: "sample" or a folder' }),
    pick: Type.String({ default: 'sample', description: 'CLIPModel for PickScore: "sample" or a folder' }),
    candidates: whole(2, 16, 4, 'Images per annotation'),
    heldOutFraction: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.2,
      description: 'Share of the annotations kept out of curation and training, for evaluation',
    }),
    sampling: Type.Object(
      {
        steps: whole(1, 1000, 20, 'DDIM steps'),
        guidance: Type.Number({
          minimum: 0,
          default: 3,
          description: 'Classifier-free guidance scale; 1: none',
        }),
      },
      closed,
    ),
    generator: Type.Optional(Generator),
    scoring: Type.Object(
      {
        mode: oneOf(
          SCORING_MODES,
          'fixed',
          'fixed: known defects of the benchmarks mended; compat: bug for bug',
        ),
        answerer: Type.String({
          default: 'sample',
          description: 'Answers questions: "sample" (the sample world\'s reader), or a BLIP-VQA folder',
        }),
        endpoint: Type.Optional(VisionEndpoint),
        detector: Type.String({
          default: 'sample',
          description: 'Finds objects: "sample" (the sample world\'s reader), or an OWL-ViT folder',
        }),
        hps: folderOf('HPSv2 (a CLIP), for the metric hpsv2'),
        aesthetic: folderOf("LAION's aesthetic predictor, for the metric aesthetic"),
        imageReward: folderOf('ImageReward, for the metric image-reward'),
      },
      closed,
    ),
    reward: Type.Object(Reward, closed),
    pairs: Type.Object(Pairs, closed),
    train: Type.Object(
      {
        objective: oneOf(OBJECTIVES, DEFAULT_TRAIN.objective, 'What is minimised (docs/training.md)'),
        form: oneOf(INVERSION_FORMS, DEFAULT_TRAIN.form, 'Form of inversion-dpo (docs/training.md)'),
        stride: whole(1, 500, DEFAULT_TRAIN.stride, 'Grid points that a transition spans'),
        timestepWeights: Type.Optional(
          Type.Enum([...TIMESTEP_WEIGHTS], {
            description: 'Of inversion-dpo; left out: the released ones in its published forms, else none',
          }),
        ),
        rowsPerPair: Type.Optional(
          Type.Union([Type.Integer({ minimum: 1, maximum: 1000 }), Type.Literal('trajectory')], {
            description:
              'Timesteps of a pair in a step; left out: all in the published forms of inversion-dpo, else 1',
          }),
        ),
        rewardWeighted: Type.Boolean({
          default: DEFAULT_TRAIN.rewardWeighted,
          description: 'Pairs count by their difference of rewards',
        }),
        beta: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            description:
              "Tie to the reference, of mapo and dspo the weight of the preference; left out: the objective's own (docs/training.md)",
          }),
        ),
        guidance: Type.Optional(
          Type.Number({
            minimum: 0,
            description:
              "Guidance of inversion, predictions and the images that ddpo and d3po draw; left out: the objective's own (docs/training.md)",
          }),
        ),
        inversionSteps: whole(2, 1000, DEFAULT_TRAIN.inversionSteps, 'Grid points of a trajectory'),
        keptTimesteps: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 1000,
            description: 'Of them, evenly spaced, that are stored and trained on: less disk; left out: all',
          }),
        ),
        steps: whole(1, 1_000_000, DEFAULT_TRAIN.steps, 'Optimizer steps'),
        pairsPerStep: whole(
          1,
          4096,
          DEFAULT_TRAIN.pairsPerStep,
          'Pairs per optimizer step; of ddpo and d3po two sampling steps for each',
        ),
        accumulate: whole(
          1,
          4096,
          DEFAULT_TRAIN.accumulate,
          'Parts that the pairs of a step are computed in: less memory, the same step',
        ),
        optimizer: oneOf(OPTIMIZERS, DEFAULT_TRAIN.optimizer, 'adafactor: no first moment, less memory'),
        learningRate: positive(DEFAULT_TRAIN.learningRate, 'After warm-up'),
        warmUp: whole(0, 1_000_000, DEFAULT_TRAIN.warmUp, 'Steps over which the learning rate rises'),
        schedule: oneOf(SCHEDULES, DEFAULT_TRAIN.schedule, 'Of the learning rate after warm-up'),
        weightDecay: Type.Number({
          minimum: 0,
          default: DEFAULT_TRAIN.weightDecay,
          description: 'Of the optimizer',
        }),
        maxGradNorm: positive(DEFAULT_TRAIN.maxGradNorm, 'Longer gradients are scaled down to it'),
        ema: Type.Optional(
          Type.Number({
            exclusiveMinimum: 0,
            exclusiveMaximum: 1,
            description:
              'Decay of an average of the weights, which is then the tuned model; left out: no average',
          }),
        ),
        freeze: Type.Optional(
          Type.Array(Type.String({ minLength: 1 }), {
            minItems: 1,
            description:
              'Weights that stay as they are: patterns of UNet names, * for anything; not with lora',
          }),
        ),
        checkpointEvery: whole(
          1,
          1_000_000,
          DEFAULT_TRAIN.checkpointEvery,
          'Steps between checkpoints; of ddpo and d3po the first end of a round behind them',
        ),
        gradientCheckpointing: Type.Boolean({
          default: DEFAULT_TRAIN.gradientCheckpointing,
          description: 'Less memory for up to a third more time',
        }),
        precision: oneOf(
          PRECISIONS,
          DEFAULT_TRAIN.precision,
          'Of matrix products and convolutions in a step; bfloat16: of a processor or GPU that has it',
        ),
        onPolicy: Type.Optional(
          Type.Object(
            {
              samplingSteps: whole(
                2,
                1000,
                DEFAULT_ON_POLICY.samplingSteps,
                'DDIM steps of an image, with eta 1',
              ),
              scenesPerRound: whole(
                1,
                4096,
                DEFAULT_ON_POLICY.scenesPerRound,
                'Annotations of a round; each is drawn twice',
              ),
              stepsPerRound: whole(
                1,
                10_000,
                DEFAULT_ON_POLICY.stepsPerRound,
                'Optimizer steps on a round before the next one is drawn',
              ),
            },
            {
              additionalProperties: false,
              description: 'Rounds of ddpo and d3po: draw, score, train; left out: the defaults',
            },
          ),
        ),
        external: Type.Optional(
          Type.String({
            minLength: 1,
            description: 'Trainer of the server that trains instead, by its name (docs/external-trainers.md)',
          }),
        ),
        lora: Type.Optional(
          Type.Object(
            {
              rank: whole(1, 1024, DEFAULT_LORA.rank, 'Of the changed weights'),
              alpha: Type.Optional(
                Type.Number({
                  exclusiveMinimum: 0,
                  description: 'Changes are scaled by alpha / rank; left out: by 1',
                }),
              ),
              convolutions: Type.Boolean({
                default: DEFAULT_LORA.convolutions,
                description: 'Adapt convolutions as well as attention layers',
              }),
            },
            { additionalProperties: false, description: 'Train a LoRA; left out: all weights' },
          ),
        ),
        validation: Type.Optional(
          Type.Object(
            {
              every: whole(
                1,
                1_000_000,
                DEFAULT_VALIDATION.every,
                'Steps between measurements; the base and the last step are measured too',
              ),
              annotations: whole(
                1,
                4096,
                DEFAULT_VALIDATION.annotations,
                'Curated annotations to draw and measure, which then make no pairs',
              ),
              tuned: oneOf(
                TUNED_CHOICES,
                DEFAULT_VALIDATION.tuned,
                'The tuned model: the best measured step by reward, or the last step',
              ),
            },
            {
              additionalProperties: false,
              description: 'Measure the model while it trains, and keep its best checkpoint; left out: never',
            },
          ),
        ),
      },
      closed,
    ),
    evaluation: Type.Object(
      {
        samples: whole(1, 16, 1, 'Images per held-out annotation and model'),
        inception: Type.Optional(
          Type.String({ description: "pytorch-fid's weights as a safetensors file; absent: no FID" }),
        ),
        demon: Type.Optional(
          Type.Object(
            {
              noises: whole(
                2,
                256,
                DEFAULT_DEMON.noises,
                'Tried in each step, every one with a scored image',
              ),
              weighting: oneOf(DEMON_WEIGHTINGS, DEFAULT_DEMON.weighting, 'Of the noises by their rewards'),
              temperature: Type.Optional(
                Type.Number({
                  exclusiveMinimum: 0,
                  description: "In units of the reward; left out: the deviation of a step's rewards",
                }),
              ),
            },
            {
              additionalProperties: false,
              description:
                "Draw the tuned side's images with a sampling demon that follows the reward; left out: as the base's",
            },
          ),
        ),
        realImages: folderOf('photographs (PNG, JPEG, WebP) to take Frechet distances from'),
      },
      closed,
    ),
    sourceRun: Type.Optional(
      Type.String({
        format: 'uuid',
        description: 'train: the run whose candidates are used; evaluate: the run whose tuned model is used',
      }),
    ),
    compare: Type.Optional(
      Type.Object(
        {
          base: Type.String({
            description:
              '"sample", a folder in diffusers layout on the server, or the folder of a LoRA, which is laid over settings.model',
          }),
          tuned: Type.String({ description: 'Likewise' }),
        },
        { additionalProperties: false, description: 'evaluate: two models, in the place of sourceRun' },
      ),
    ),
  },
  { additionalProperties: false, default: {} },
);
/** As they may be asked for. */
export type AskedSettings = Static<typeof RunSettings>;
/** As a run has them. */
export type RunSettings = AskedSettings & { train: ObjectiveSettings };

/** Every default filled in. */
export const withDefaults = (given: object): RunSettings =>
  completed(Default(RunSettings, structuredClone(given)) as AskedSettings);

/** Those defaults filled in that hang on other settings, which no schema can say. */
export function completed(settings: AskedSettings): RunSettings {
  const { train } = settings;
  // Commands that train instead have Diffusion-DPO's loss, or one with a beta like its.
  const minimised = train.external === undefined ? train : { ...train, objective: 'diffusion-dpo' as const };
  return { ...settings, train: { ...objectiveSettings(minimised), ...train } };
}

/** Body of POST /v1/runs. */
export const RunRequest = Type.Object(
  {
    kind: Type.Enum([...RUN_KINDS], { description: 'What to do' }),
    annotationSet: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the annotation set' }),
    settings: RunSettings,
    priority: Type.Optional(
      Type.Enum([...PRIORITIES], {
        default: 'normal',
        description: 'Whose tasks go first where several runs share the workers (docs/sharing.md)',
      }),
    ),
  },
  { additionalProperties: false },
);
export type RunRequest = Static<typeof RunRequest>;

export const IMPORT_KINDS = ['pickapic', 'diptych', 'images'] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

const { clip, pick, scoring, reward, pairs } = RunSettings.properties;

/** Body of POST /v1/imports. */
export const ImportRequest = Type.Object(
  {
    as: Type.Enum([...IMPORT_KINDS], { description: 'What it is (docs/imports.md)' }),
    annotationSet: Type.String({
      ...{ minLength: 1, maxLength: 200 },
      description: 'Set that the annotations go to; of images the set that has them already',
    }),
    path: Type.Optional(Type.String({ description: 'File or folder on the server' })),
    upload: Type.Optional(Type.String({ description: 'In its place: name of what was sent to /v1/uploads' })),
    score: Type.Boolean({ default: false, description: 'Score the images as a curation does' }),
    settings: Type.Object(
      { clip, pick, scoring, reward, pairs },
      { ...closed, description: 'How images are scored, and what runs and exports take as reward and pairs' },
    ),
  },
  { additionalProperties: false },
);
export type ImportRequest = Static<typeof ImportRequest>;

const ofTheRun = { additionalProperties: false, description: "Absent: the run's own" };

/** Body of POST /v1/runs/{id}/exports. */
export const ExportRequest = Type.Object(
  {
    layout: Type.Enum([...LAYOUT_NAMES], { description: 'What to write (docs/exports.md)' }),
    reward: Type.Optional(Type.Object(Reward, ofTheRun)),
    pairs: Type.Optional(Type.Object(Pairs, ofTheRun)),
    scores: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Which scores count, by metric, as "MODE/VERSION"; metrics not named: the newest',
      }),
    ),
    filters: Type.Optional(
      Type.Object(
        {
          minReward: Type.Optional(Type.Number({ description: 'Candidates below it are left out' })),
          minScores: Type.Optional(
            Type.Record(Type.String(), Type.Number(), { description: 'The same for raw scores, by metric' }),
          ),
          nearDuplicates: Type.Optional(
            Type.Integer({
              ...{ minimum: 0, maximum: 16 },
              description:
                'Images whose difference hash is at most this many of 64 bits away from an earlier one are left out',
            }),
          ),
        },
        {
          additionalProperties: false,
          description: 'Candidates to leave out, each with its reason in dropped.jsonl; absent: none',
        },
      ),
    ),
    votes: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'Revision of the votes that count, 0 for none; absent: those that stand now (docs/votes.md)',
      }),
    ),
    writer: oneOf(PARQUET_WRITERS, PARQUET_WRITERS[0], 'Library that writes Parquet'),
    version: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{64}$',
        description: 'Dataset version that must come out; a conflict when the data gives another one',
      }),
    ),
  },
  { additionalProperties: false },
);
export type ExportRequest = Static<typeof ExportRequest>;
