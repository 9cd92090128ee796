/** The votes of a run in numbers: who voted how much and how fast, how far people agree with each other and the machine. */
import type { RunSettings } from '../../pipelines/settings.ts';
import { type StudyResult, studyResult } from '../evaluation/user-study.ts';
import { wilsonInterval } from '../evaluation/wilson.ts';
import { mean } from '../mean.ts';
import { type Agreement, agreements, meanKappa } from '../preference/agreement.ts';
import { VOTE_MODES, type VoteMode } from '../preference/comparisons.ts';
import { betterOf, type Judgement, judgements } from '../preference/votes.ts';
import { createReward } from '../scoring/reward.ts';
import { allMetrics, scoresOf } from '../store/candidates.ts';
import type { Store } from '../store/client.ts';
import {
  comparisonCount,
  listVotes,
  OUTCOMES,
  type Outcome,
  type StoredVote,
  voteRevision,
} from '../store/votes.ts';

/** A share with its 95% interval by Wilson; null where there is nothing to divide by. */
export interface Share {
  count: number;
  share: number | null;
  interval95: [low: number, high: number] | null;
}

export interface VoteSummary {
  /** Of the votes; an export that names it counts what stands now. */
  revision: number;
  modes: Record<VoteMode, { comparisons: number; votes: number }>;
  voters: (Record<VoteMode, number> & {
    voter: string;
    votes: number;
    outcomes: Record<Outcome, number>;
    /** 0 where all of them came in with an export, which does not have it. */
    medianSeconds: number;
    /** Of the voter's own preferences. */
    machine: Share;
  })[];
  /** Of answers that prefer one of two images: how often it stood on the left. */
  left: Share;
  /** Pairs of curated candidates that somebody compared, and those of them where people prefer one. */
  judged: number;
  decided: number;
  /** Of every two voters, and the mean of their kappas. */
  agreement: { voters: Agreement[]; kappa: number | null };
  /** Decided pairs where the run's reward prefers the same candidate; equal rewards count half. */
  machine: Share;
  study: (StudyResult & { agreement: VoteSummary['agreement'] }) | null;
}

/** Throws DIPTYCH_NOT_FOUND. */
export async function voteSummary(store: Store, runId: string): Promise<VoteSummary> {
  const revision = await voteRevision(store, runId);
  const votes = await listVotes(store, runId, { revision });
  const [study, curated] = [votes.filter(isStudy), votes.filter((vote) => !isStudy(vote))];
  const judged = judgements(curated);
  const decided = judged.flatMap((one) => preference(one, betterOf(one)));
  const machine = await machineLookup(store, runId, curated);
  const modes = await Promise.all(
    VOTE_MODES.map(async (mode) => {
      const comparisons = await comparisonCount(store, runId, mode);
      return [mode, { comparisons, votes: votes.filter((vote) => vote.mode === mode).length }] as const;
    }),
  );
  const voters = [...new Set(votes.map(({ voter }) => voter))].sort();
  const ofTwo = votes.filter(({ shown, ranking }) => shown.length === 2 && ranking.length > 0);
  return {
    revision,
    modes: Object.fromEntries(modes) as VoteSummary['modes'],
    voters: voters.map((voter) => {
      const own = votes.filter((vote) => vote.voter === voter);
      const voices = judged.flatMap((one) => preference(one, one.voices.get(voter) ?? null));
      return {
        voter,
        votes: own.length,
        ...countBy(own, VOTE_MODES, ({ mode }) => mode),
        outcomes: countBy(own, OUTCOMES, ({ outcome }) => outcome),
        medianSeconds: median(own.filter(({ shown }) => shown.length > 0).map(({ seconds }) => seconds)),
        machine: machine(voices),
      };
    }),
    left: shareOf(ofTwo.map(({ shown, ranking }) => (ranking[0] === shown[0] ? 1 : 0))),
    judged: judged.length,
    decided: decided.length,
    agreement: agreementOf(judged),
    machine: machine(decided),
    study: study.length === 0 ? null : await studySummary(store, study),
  };
}

interface Preference {
  better: string;
  worse: string;
}

const isStudy = ({ mode }: StoredVote) => mode === 'study';

const preference = ({ first, second }: Judgement, better: string | null): Preference[] =>
  better === null ? [] : [{ better, worse: better === first ? second : first }];

function agreementOf(judged: readonly Judgement[]): VoteSummary['agreement'] {
  const voters = agreements(judged);
  return { voters, kappa: meanKappa(voters) };
}

/** How often the run's own reward has the same preference, where both candidates have one. */
async function machineLookup(
  store: Store,
  runId: string,
  votes: readonly StoredVote[],
): Promise<(preferences: readonly Preference[]) => Share> {
  if (votes.length === 0) return () => shareOf([]);
  const { settings } = await store.run.findUniqueOrThrow({ where: { id: runId } });
  const { reward: policy } = settings as unknown as RunSettings;
  const reward = await createReward(policy, allMetrics(store, runId, 'curated'));
  const scores = await scoresOf(store, [...new Set(votes.flatMap(({ candidates }) => candidates))]);
  const rewardOf = (id: string) => reward(scores.get(id) ?? {});
  return (preferences) =>
    shareOf(
      preferences.flatMap(({ better, worse }) => {
        const [a, b] = [rewardOf(better), rewardOf(worse)];
        return a === null || b === null ? [] : [a === b ? 0.5 : a > b ? 1 : 0];
      }),
    );
}

async function studySummary(store: Store, votes: readonly StoredVote[]) {
  const candidates = await store.candidate.findMany({
    where: { id: { in: votes.flatMap(({ candidates }) => candidates) } },
    select: { id: true, variant: true },
  });
  const variantOf = new Map(candidates.map(({ id, variant }) => [id, variant as 'base' | 'tuned']));
  const answers = votes.map(({ annotationId, ranking: [best] }) => ({
    annotationId,
    better: best === undefined ? null : variantOf.get(best)!,
  }));
  return { ...studyResult(answers), agreement: agreementOf(judgements(votes)) };
}

function shareOf(values: readonly number[]): Share {
  const count = values.length;
  if (count === 0) return { count, share: null, interval95: null };
  const share = mean(values);
  return { count, share, interval95: wilsonInterval(share, count) };
}

function countBy<T, K extends string>(
  items: readonly T[],
  keys: readonly K[],
  keyOf: (item: T) => K,
): Record<K, number> {
  const counted = keys.map((key) => [key, items.filter((item) => keyOf(item) === key).length]);
  return Object.fromEntries(counted);
}

/** 0 of none. */
function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
