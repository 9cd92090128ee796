/** What a metric's number for a candidate rests on. */
import type { ComponentChildren } from 'preact';
import { score as shown } from '../../format.ts';
import './evidence.css';

export interface StoredScore {
  metric: string;
  mode: string;
  version: string;
  value: number;
  evidence: Record<string, unknown>;
}

interface Question {
  id?: number;
  question: string;
  answer?: 'yes' | 'no';
  yes: number;
  counted?: number;
  dependencies?: number[];
}

export interface Found {
  label: string;
  box: [left: number, top: number, right: number, bottom: number];
  confidence: number;
}

interface Relation {
  relation: string;
  subject: Found | null;
  object: Found | null;
  position: number;
  score: number;
}

/** Boxes that the metric's detector found, to be drawn over the image. */
export function boxesOf({ evidence }: StoredScore): Found[] {
  const relations = (evidence.relations as Relation[] | undefined) ?? [];
  return relations.flatMap(({ subject, object }) => [subject, object].filter((found) => found !== null));
}

export function Evidence({ score }: { score: StoredScore }) {
  const { evidence } = score;
  if (Array.isArray(evidence.questions)) return <Questions questions={evidence.questions as Question[]} />;
  if (Array.isArray(evidence.relations)) return <Relations relations={evidence.relations as Relation[]} />;
  if (Array.isArray(evidence.graph)) {
    return <Members graph={evidence.graph as string[]} found={evidence.found as string[]} />;
  }
  return (
    <dl class="facts">
      {Object.entries(evidence).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === 'number' ? shown(value) : String(value ?? 'none')}</dd>
        </div>
      ))}
    </dl>
  );
}

function Questions({ questions }: { questions: readonly Question[] }) {
  const byId = new Map(questions.map((question) => [question.id, question]));
  return (
    <ol class="questions">
      {questions.map((question) => {
        const { id, question: text, answer, yes, counted, dependencies = [] } = question;
        const said = answer ?? (yes >= 0.5 ? 'yes' : 'no');
        const zeroed = counted === 0 && said === 'yes';
        const parents = dependencies.filter((parent) => byId.get(parent)?.counted === 0);
        return (
          <li key={text} class={zeroed ? 'zeroed' : said}>
            <span class="mark" aria-hidden="true">
              {zeroed ? '0' : said === 'yes' ? '✓' : '✕'}
            </span>
            <span>
              {id !== undefined && <span class="faint">{id}. </span>}
              {text}
              {zeroed && (
                <span class="why">
                  answered yes, counts 0: it depends on{' '}
                  {parents.map((parent) => `question ${parent}`).join(' and ')}
                </span>
              )}
            </span>
            <span class="number soft">
              <span class="visually-hidden">{`answered ${said}, probability of yes `}</span>
              {yes.toFixed(2)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

const Relations = ({ relations }: { relations: readonly Relation[] }) => (
  <ul class="relations">
    {relations.map(({ relation, subject, object, position, score }) => (
      <li key={`${subject?.label} ${relation} ${object?.label}`}>
        <div>
          <Seen found={subject} what="subject" /> <em>{relation}</em> <Seen found={object} what="object" />
        </div>
        <div class="small soft number">
          position {shown(position)} · score {shown(score)}
        </div>
      </li>
    ))}
  </ul>
);

const Seen = ({ found, what }: { found: Found | null; what: string }): ComponentChildren =>
  found ? (
    <span>
      {found.label} <span class="faint number">{found.confidence.toFixed(2)}</span>
    </span>
  ) : (
    <span class="missing">{what} not found</span>
  );

function Members({ graph, found }: { graph: readonly string[]; found: readonly string[] }) {
  return (
    <ul class="questions">
      {graph.map((member) => {
        const there = found.includes(member);
        return (
          <li key={member} class={there ? 'yes' : 'no'}>
            <span class="mark" aria-hidden="true">
              {there ? '✓' : '✕'}
            </span>
            <span>{member}</span>
            <span class="small soft">{there ? 'found' : 'not found'}</span>
          </li>
        );
      })}
    </ul>
  );
}
