/** Resident memory of another process while some work goes on. */
import { readFileSync } from 'node:fs';

const EVERY_MS = 100;

/** In megabytes. */
export interface Memory {
  peak: number;
  /** Peak of the first tenth of the time. */
  early: number;
  /** Growth over the second half of the time, by the line of least squares. */
  growth: number;
}

export async function memoryOf(pid: number, work: () => Promise<void>): Promise<Memory> {
  const samples: number[] = [];
  const timer = setInterval(() => {
    const [, kilobytes] = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmRSS:\s+(\d+) kB$/m)!;
    samples.push(Number(kilobytes) / 1000);
  }, EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  const late = samples.slice(samples.length >> 1);
  return {
    peak: Math.max(...samples),
    early: Math.max(...samples.slice(0, Math.ceil(samples.length / 10))),
    growth: slope(late) * late.length,
  };
}

/** Per sample. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const along = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / along;
}
