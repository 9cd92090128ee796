/** The trainer of this project, in the numeric thread. */
import { appendEvent } from '../../src/jobs/events.ts';
import { pairedCandidates } from '../../src/preference/pairs.ts';
import { getAnnotations } from '../../src/store/annotations.ts';
import { isOnPolicy } from '../../src/training/settings.ts';
import type { TrainProgress } from '../../src/training/train.ts';
import { alarmTeller } from '../alarm-events.ts';
import type { TrainArgument } from '../numeric/methods.ts';
import type { Tools } from '../process.ts';
import { promptedCandidates, promptMaker } from '../prompts.ts';
import { pairsOfRun, type RewardedCandidate } from '../rewarded.ts';
import { judgeArgument } from './judge-argument.ts';
import type { Trainer, TrainJob } from './trainer.ts';

/** Of the stage's time, about what inversion takes; the rest is optimizer steps. */
const INVERSION_SHARE = 0.25;
const EVENT_EVERY_MS = 5000;

export function builtInTrainer(tools: Tools): Trainer {
  const { store, numeric, places } = tools;
  return async (job) => {
    const { runId, settings, source, model, folder, signal, progress } = job;
    const { candidates, pairs } = await pairsOfRun(store, source, settings);
    const tellAlarms = await alarmTeller(store, runId);
    const onPolicy = isOnPolicy(settings.train.objective);
    const before = onPolicy ? 0 : INVERSION_SHARE;
    const timeLeft = onPolicy ? meanTimeLeft() : lastTimeLeft;
    let lastEvent = Date.now();
    let evaluations = 0;
    let hasInverted = false;
    const result = await numeric.call(
      'train',
      {
        model,
        settings: { ...settings.train, seed: settings.seed },
        candidates: await promptedCandidates(store, model, candidates),
        ...{ pairs, folder, blobs: places.blobs },
        ...{ trajectories: places.trajectories, trajectoryBytes: places.trajectoryBytes },
        ...(onPolicy && (await scenesAndJudge(tools, job, candidates))),
      },
      {
        signal,
        onProgress(message) {
          const share = message.done / message.total;
          if (message.phase === 'invert') {
            progress(before * share);
            evaluations = message.evaluations;
          }
          if (message.phase !== 'train') return;
          progress(before + (1 - before) * share);
          if (!onPolicy && !hasInverted) {
            hasInverted = true;
            const images = pairedCandidates(pairs).size;
            void appendEvent(store, runId, 'train-inverted', { images, evaluations });
          }
          void tellAlarms(message.alarms);
          const secondsLeft = Math.round(timeLeft(message));
          if (Date.now() - lastEvent < EVENT_EVERY_MS) return;
          lastEvent = Date.now();
          const { step, loss, accuracy, policyEvaluations, referenceEvaluations } = message.telemetry;
          void appendEvent(store, runId, 'train-progress', {
            ...{ step, steps: message.total, loss, policyEvaluations, referenceEvaluations, secondsLeft },
            ...(accuracy !== undefined && { accuracy }),
            ...('reward' in message.telemetry && { reward: message.telemetry.reward }),
          });
        },
      },
    );
    return {
      model: result.model,
      ...(result.lora && { lora: result.lora }),
      'telemetry.jsonl': result.telemetry,
      tensorboard: result.tensorboard,
    };
  };
}

/** What a policy that learns from its own images draws, the annotations of the candidates, and what measures it. */
async function scenesAndJudge(
  tools: Tools,
  { source, settings, model }: TrainJob,
  candidates: readonly RewardedCandidate[],
): Promise<Pick<TrainArgument, 'scenes' | 'judge'>> {
  const ids = new Set(candidates.map(({ annotationId }) => annotationId));
  const annotations = (await getAnnotations(tools.store, [...ids])).sort((a, b) =>
    a.imgId < b.imgId ? -1 : 1,
  );
  const promptOf = promptMaker(model);
  return {
    scenes: annotations.map((annotation) => ({ id: annotation.imgId, prompt: promptOf(annotation) })),
    judge: await judgeArgument(tools, source, settings, candidates, annotations),
  };
}

type StepDone = Extract<TrainProgress, { phase: 'train' }>;

/** Seconds, by the last step: each takes about as long. */
const lastTimeLeft = ({ telemetry, total }: StepDone): number => telemetry.seconds * (total - telemetry.step);

/** Seconds, by all steps so far: the first of a round has all its drawing in it. */
function meanTimeLeft(): (done: StepDone) => number {
  let [steps, seconds] = [0, 0];
  return ({ telemetry, total }) => {
    steps += 1;
    seconds += telemetry.seconds;
    return (seconds / steps) * (total - telemetry.step);
  };
}
