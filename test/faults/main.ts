/**
 * `npm run test:faults -- [--kills 50] [--seed N] [--only NAME]`: a run is disturbed in every way that this folder knows,
 * and must leave what an undisturbed one leaves. Prints what was done and when, what was compared, and how long it took
 * to go on; ends with 1 where anything differs. `--only kills`, or a part of a fault's name.
 */
import { randomInt } from 'node:crypto';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { FAULTS, type Fault } from './faults.ts';
import { counted, differences, type Outcome, outcomeOf } from './outcome.ts';
import { killName, recoveryTable } from './recovery-table.ts';
import { startSampleRun } from './sample-run.ts';
import { drawBeginnings, drawKills } from './schedule.ts';
import { startWatched, type WatchedService } from './service.ts';
import { storm } from './storm.ts';

/** A task has five tries, so no run is struck more often than leaves it some. */
const KILLS_PER_RUN = 10;

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const kills = Number(values.kills ?? 50);
const seed = Number(values.seed ?? randomInt(1_000_000));
if (!(Number.isInteger(kills) && kills >= 0 && Number.isInteger(seed))) {
  console.error(`--kills is "${values.kills}", --seed "${values.seed}"; both are whole numbers`);
  process.exit(1);
}
// What goes as it should is not told between what the suite says.
process.env.DIPTYCH_LOG_LEVEL ??= 'warn';

const begun = performance.now();
const tell = (line: string) =>
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${line}`);
const recoveries = new Map<string, number[]>();
const recovered = (what: string, seconds: number) =>
  recoveries.set(what, [...(recoveries.get(what) ?? []), seconds]);
let failures = 0;
const wanted = (name: string) => values.only === undefined || name.includes(values.only);

tell(`seed ${seed}, ${kills} kills, on ${os.availableParallelism()} x ${os.cpus()[0]!.model.trim()}`);
const undisturbed = await undisturbedRun();
if (wanted('kills')) await killRuns();
for (const fault of FAULTS.filter(({ name }) => wanted(name))) await faultRun(fault);

console.log(`\n${recoveryTable(recoveries)}`);
tell(failures === 0 ? 'nothing was lost, doubled or changed' : `${failures} runs went wrong`);
process.exit(failures === 0 ? 0 : 1);

async function undisturbedRun(): Promise<Outcome> {
  const service = await startWatched();
  try {
    const run = await startSampleRun(service);
    await run.ended;
    const outcome = await outcomeOf(service, run.id);
    tell(`undisturbed: ${counted(outcome)}`);
    return outcome;
  } finally {
    await service.stop();
  }
}

async function killRuns(): Promise<void> {
  const drawn = drawKills(seed);
  const beginnings = drawBeginnings(seed);
  let struck = 0;
  for (let number = 1; struck < kills && failures === 0; number++) {
    const begins = beginnings.next().value!;
    tell(`run ${number}, from the stage "${begins}" on; ${struck} kills so far`);
    const service = await startWatched();
    await compared(service, async () => {
      const run = await startSampleRun(service);
      const most = Math.min(KILLS_PER_RUN, kills - struck);
      for await (const { what, held, recoverySeconds } of storm(service, run, begins, drawn, most, tell)) {
        struck++;
        recovered(killName(what, held), recoverySeconds);
      }
      await run.ended;
      return run.id;
    });
  }
  tell(`${struck} kills`);
}

async function faultRun(fault: Fault): Promise<void> {
  tell(fault.name);
  const prepared = await fault.prepare();
  if ('lacking' in prepared) return tell(`SKIPPED ${fault.name}: this machine lacks ${prepared.lacking}`);
  const { service, happen, clean } = prepared;
  await compared(service, async () => {
    const run = await startSampleRun(service);
    await Promise.race([
      happen(run, (what, seconds) => {
        tell(`${what}: goes on after ${seconds.toFixed(1)} s`);
        recovered(what, seconds);
      }),
      // A run that ends before all has happened was not disturbed; one that fails says why.
      run.ended.then(() => {
        throw new Error('the run was over before all had happened to it');
      }),
    ]);
    await run.ended;
    return run.id;
  });
  await clean();
}

/** Holds what a run leaves against the undisturbed one's, and stops the service. */
async function compared(service: WatchedService, disturb: () => Promise<string>): Promise<void> {
  try {
    const outcome = await outcomeOf(service, await disturb());
    const found = differences(undisturbed, outcome);
    for (const line of found) tell(`DIFFERS: ${line}`);
    if (found.length > 0) failures++;
    else tell(`the same: ${counted(outcome)}`);
  } catch (thrown) {
    failures++;
    tell(`FAILED: ${thrown instanceof Error ? thrown.message : thrown}`);
    console.log(service.log.slice(-40).join('\n'));
  } finally {
    await service.stop();
  }
}
