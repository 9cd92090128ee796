/** What the train worker asks for, whoever trains. */
import type { RunSettings } from '../../pipelines/settings.ts';

export interface TrainJob {
  runId: string;
  settings: RunSettings;
  /** The run whose candidates are used. */
  source: string;
  /** Revision of its votes that count, the same for every attempt. */
  votes: number;
  /** The base model's folder. */
  model: string;
  /** What the training may write into. A later attempt at the same run finds it as it was left. */
  folder: string;
  /** Fires when the training should end soon; it then rejects. */
  signal: AbortSignal;
  /** There is a new checkpoint or measurement in the folder. */
  changed(): void;
  /** Finished share, 0 to 1. */
  progress(share: number): void;
}

/** Trains, and returns what the run leaves behind as name -> path; `model` is the tuned model's folder. */
export type Trainer = (job: TrainJob) => Promise<Record<string, string>>;
