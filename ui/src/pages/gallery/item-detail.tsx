/** One annotation: its graph beside its candidates, every metric of each, and the evidence of the one clicked. */
import type { Annotation } from '../../../../src/annotations/annotation.ts';
import { answered, api } from '../../api/client.ts';
import { useResource } from '../../api/use-resource.ts';
import { ErrorNote } from '../../components/error-note.tsx';
import { METRICS } from '../../components/metrics.ts';
import { Picture } from '../../components/picture.tsx';
import { score as shown } from '../../format.ts';
import { boxesOf, Evidence, type StoredScore } from './evidence.tsx';
import { ImageWithBoxes } from './image-with-boxes.tsx';
import type { Row } from './rows.ts';
import { SceneGraph } from './scene-graph.tsx';

interface Candidate {
  annotation: Annotation;
  scores: StoredScore[];
}

interface Props {
  row: Row;
  metrics: readonly string[];
  /** Metrics with a say in the reward. */
  weights: Readonly<Record<string, number>>;
  slot: number;
  metric: string;
  onChoose(slot: number, metric: string): void;
}

export function ItemDetail({ row, metrics, weights, slot, metric, onChoose }: Props) {
  const { item, rewards, best } = row;
  const full = useResource(item.imgId, async () =>
    Promise.all(
      item.candidates.map(
        ({ id }) =>
          answered(api.GET('/v1/candidates/{id}', { params: { path: { id } } })) as Promise<Candidate>,
      ),
    ),
  );
  const at = Math.min(slot, item.candidates.length - 1);
  const candidate = item.candidates[at];
  const score = full.data?.[at]?.scores.find((one) => one.metric === metric);
  return (
    <div class="item-detail">
      <div class="graph panel">
        <header>
          <h2>{item.imgId}</h2>
          <span class="small soft">{item.prompt}</span>
        </header>
        <div class="body">
          <ErrorNote error={full.error} />
          {full.data?.[0] && <SceneGraph annotation={full.data[0].annotation} />}
        </div>
      </div>
      {item.failed.length > 0 && (
        <p class="error-note">Failed alone: {item.failed.join(', ')}. The reasons are with the run.</p>
      )}
      <div class="panel scroll-x">
        <table class="scores">
          <thead>
            <tr>
              <td />
              {item.candidates.map((image, i) => (
                <th key={image.id} scope="col" class={i === at ? 'chosen' : ''}>
                  <button type="button" onClick={() => onChoose(i, metric)} aria-pressed={i === at}>
                    <Picture image={image} size={96} alt={`Candidate ${i + 1}`} />
                    <span class={`number reward ${rewards[i] !== null && rewards[i] === best ? 'best' : ''}`}>
                      {rewards[i] === null ? 'no reward' : shown(rewards[i]!)}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {metrics.map((name) => {
              const values = item.candidates.map(({ scores }) => scores[name]);
              const known = values.filter((value) => value !== undefined);
              const top = Math.max(...known);
              const differ = known.some((value) => value < top);
              return (
                <tr key={name} class={name === metric ? 'chosen' : ''}>
                  <th scope="row" title={METRICS[name]}>
                    {name}
                    {weights[name] ? <span class="faint"> ×{weights[name]}</span> : null}
                  </th>
                  {values.map((value, i) => (
                    <td key={item.candidates[i]!.id} class={`number ${i === at ? 'chosen' : ''}`}>
                      {value === undefined ? (
                        <span class="faint">–</span>
                      ) : (
                        <button
                          type="button"
                          class={differ && value === top ? 'top' : ''}
                          aria-pressed={name === metric && i === at}
                          aria-label={`${name} of candidate ${i + 1}: ${shown(value)}. Show its evidence`}
                          onClick={() => onChoose(i, name)}
                        >
                          {shown(value)}
                        </button>
                      )}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {candidate && score && (
        <section class="panel evidence" aria-label="Evidence" aria-live="polite">
          <header>
            <h2>
              {metric} <span class="soft number">{shown(score.value)}</span>
            </h2>
            <span class="small soft">{`candidate ${at + 1} · ${score.mode}, version ${score.version}`}</span>
          </header>
          <div class="body">
            <ImageWithBoxes image={candidate} boxes={boxesOf(score)} />
            <div>
              <p class="small soft">{METRICS[metric]}.</p>
              <Evidence score={score} />
            </div>
          </div>
        </section>
      )}
    </div>
  );
}
