import type { StepTelemetry } from '../../src/training/telemetry/telemetry.ts';

/** The telemetry of an ordinary step, but for what is given. */
export const stepEntry = (given: Partial<StepTelemetry>): StepTelemetry => ({
  step: 1,
  at: 1_700_000_000,
  loss: 0.6,
  accuracy: 0.6,
  winnerPolicyError: 0.3,
  loserPolicyError: 0.31,
  winnerError: 0.001,
  loserError: 0.003,
  margin: -0.002,
  gradNorm: 2,
  updateNorm: 0.01,
  learningRate: 1e-5,
  seconds: 0.5,
  tensors: 900,
  policyEvaluations: 32,
  referenceEvaluations: 32,
  buckets: [{ from: 300, rows: 2, inside: 0.1, accuracy: 0.5, winnerError: 0.001, loserError: 0.003 }],
  ...given,
});
