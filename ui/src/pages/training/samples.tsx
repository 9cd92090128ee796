/** The pictures that a training drew of its validation scenes, step by step. */
import { useState } from 'preact/hooks';
import type { RunCurves } from './curves.ts';

const MEASURED = 'validation/reward';

export function Samples({ runs }: { runs: readonly RunCurves[] }) {
  const measured = runs.filter(({ telemetry }) => telemetry.curves[MEASURED]);
  const steps = [...new Set(measured.flatMap(({ telemetry }) => telemetry.curves[MEASURED]!.steps))].sort(
    (a, b) => a - b,
  );
  const [at, setAt] = useState<number | null>(null);
  if (steps.length === 0) {
    return (
      <p class="small faint">
        No pictures: set <code>train.validation</code> for a run to draw the same scenes again and again while
        it trains.
      </p>
    );
  }
  const place = Math.min(at ?? steps.length - 1, steps.length - 1);
  const step = steps[place]!;
  return (
    <section class="panel samples" aria-labelledby="samples">
      <header>
        <h2 id="samples">Pictures over the steps</h2>
        <span class="small soft number" role="status">
          {step === 0 ? 'step 0: the base' : `step ${step}`}
        </span>
      </header>
      <div class="body">
        <input
          type="range"
          aria-label="Step"
          aria-valuetext={`step ${step}`}
          min={0}
          max={steps.length - 1}
          step={1}
          value={place}
          onInput={(event) => setAt(event.currentTarget.valueAsNumber)}
        />
        <div class="strips">
          {measured.map(({ id, name, telemetry }) => {
            const { steps: own, values } = telemetry.curves[MEASURED]!;
            const index = own.indexOf(step);
            return (
              <figure key={id}>
                <figcaption class="small soft">
                  <code>{name}</code>
                  {index < 0 ? ' did not measure this step' : ` reward ${values[index]!.toFixed(3)}`}
                  {telemetry.bestStep === step && ' · best step'}
                </figcaption>
                {index >= 0 && (
                  <img src={`/v1/runs/${id}/validation/${step}`} alt={`Validation scenes at step ${step}`} />
                )}
              </figure>
            );
          })}
        </div>
      </div>
    </section>
  );
}
