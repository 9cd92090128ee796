/** A scene graph drawn: items as nodes with their attributes as chips, relations as labelled edges. */
import { Graph, layout } from '@dagrejs/dagre';
import { useMemo } from 'preact/hooks';
import type { Annotation, Item } from '../../../../src/annotations/annotation.ts';
import { triples } from '../../../../src/annotations/prompt.ts';
import './scene-graph.css';

/** Pixels of a character in the two sizes, about; text is fitted to the room that this gives it. */
const [LABEL_CHAR, SMALL_CHAR] = [7.6, 6.4];
const [LABEL_LINE, CHIP_LINE, PADDING] = [22, 22, 10];

interface Placed {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function SceneGraph({ annotation }: { annotation: Annotation }) {
  const { nodes, edges, width, height } = useMemo(() => placed(annotation), [annotation]);
  return (
    <figure class="scene-graph">
      <div class="scroll-x">
        <svg
          width={width}
          height={height}
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={sentence(annotation)}
        >
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="7"
              markerHeight="7"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8z" class="arrow" />
            </marker>
          </defs>
          {edges.map(({ key, points, label }) => (
            <path
              key={key}
              class="edge"
              d={`M${points.map(({ x, y }) => `${x} ${y}`).join('L')}`}
              marker-end="url(#arrow)"
              data-label={label.text}
            />
          ))}
          {edges.map(({ key, label }) => (
            <g key={key} class="relation" transform={`translate(${label.x} ${label.y})`}>
              <rect x={-label.width / 2} y={-10} width={label.width} height={20} rx={4} />
              <text y={4}>{label.text}</text>
            </g>
          ))}
          {nodes.map(({ item, x, y, width: w, height: h }) => (
            <g key={item.item_id} class="node" transform={`translate(${x - w / 2} ${y - h / 2})`}>
              <rect width={w} height={h} rx={8} />
              <text class="label" x={w / 2} y={PADDING + 12}>
                {item.label}
              </text>
              <Chips attributes={item.attributes} width={w} />
            </g>
          ))}
        </svg>
      </div>
    </figure>
  );
}

function Chips({ attributes, width }: { attributes: readonly string[]; width: number }) {
  const widths = attributes.map(chipWidth);
  let x = (width - rowWidth(attributes)) / 2;
  return (
    <>
      {attributes.map((attribute, i) => {
        const at = x;
        x += widths[i]! + 4;
        return (
          <g key={attribute} class="attribute" transform={`translate(${at} ${PADDING + LABEL_LINE})`}>
            <rect width={widths[i]} height={18} rx={9} />
            <text x={widths[i]! / 2} y={13}>
              {attribute}
            </text>
          </g>
        );
      })}
    </>
  );
}

const chipWidth = (text: string) => text.length * SMALL_CHAR + 14;
const rowWidth = (texts: readonly string[]) =>
  texts.reduce((sum, text) => sum + chipWidth(text), 0) + 4 * Math.max(0, texts.length - 1);

function sizeOf({ label, attributes }: Item): { width: number; height: number } {
  return {
    width: Math.max(56, label.length * LABEL_CHAR, rowWidth(attributes)) + 2 * PADDING,
    height: LABEL_LINE + 2 * PADDING - 4 + (attributes.length > 0 ? CHIP_LINE : 0),
  };
}

function placed(annotation: Annotation) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 22, edgesep: 12, marginx: 4, marginy: 4 });
  for (const item of annotation.items) graph.setNode(String(item.item_id), sizeOf(item));
  for (const [i, { subject, relation, object }] of triples(annotation).entries()) {
    const label = { width: relation.length * SMALL_CHAR + 12, height: 20, labelpos: 'c' as const };
    graph.setEdge(String(subject.item_id), String(object.item_id), label, String(i));
  }
  layout(graph);
  const nodes = annotation.items.map((item) => ({
    item,
    ...(graph.node(String(item.item_id)) as unknown as Placed),
  }));
  const edges = triples(annotation).map(({ subject, relation, object }, i) => {
    const edge = graph.edge(
      String(subject.item_id),
      String(object.item_id),
      String(i),
    ) as unknown as Placed & {
      points: { x: number; y: number }[];
    };
    return {
      key: i,
      points: edge.points,
      label: { text: relation, x: edge.x, y: edge.y, width: edge.width },
    };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { nodes, edges, width, height };
}

/** The same for who does not see it. */
function sentence(annotation: Annotation): string {
  const items = annotation.items.map(({ label, attributes }) => [...attributes, label].join(' '));
  const relations = triples(annotation).map((t) => `${t.subject.label} ${t.relation} ${t.object.label}`);
  return `Scene graph. Items: ${items.join(', ')}. Relations: ${relations.join('; ') || 'none'}.`;
}
