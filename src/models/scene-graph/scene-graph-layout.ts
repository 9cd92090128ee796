/**
 * How the tokens of a scene graph's phrases become vertices and edges (mengcye/LAION-SG, sg_encoder.py). Every node
 * token is a vertex of its own: a phrase that occurs in two triples, or twice in one, gives separate vertices.
 */
import { DiptychError } from '../../errors.ts';

/** [item1, relation, item2] as numbers of phrases. */
export type PhraseTriple = readonly [number, number, number];

export interface SceneGraphLayout {
  /** Row of each vertex's state among the tokens of all phrases, joined in their order. */
  vertexTokens: number[];
  /** The same for each edge; the row after the last phrase's is the state of the text "-". */
  edgeTokens: number[];
  /** [source, target] vertex of each edge. */
  edges: [number, number][];
  /** The refined sequence (per triple item1, relation, item2) as rows of [vertices, then edges]. */
  sequence: number[];
}

/**
 * `tokens`: how many each phrase has. Per triple: each earlier token of an item points to the item's last one with
 * "-" as feature, and the last token of item1 to that of item2 once per token of the relation.
 * Throws DIPTYCH_INVALID_INPUT for a graph without triples and for an item without tokens.
 */
export function layOutSceneGraph(
  tokens: readonly number[],
  triples: readonly PhraseTriple[],
): SceneGraphLayout {
  if (triples.length === 0)
    throw invalid('it has no relations; the scene-graph encoder needs at least one triple');
  const starts = tokens.map((_, phrase) => tokens.slice(0, phrase).reduce((sum, n) => sum + n, 0));
  const dash = tokens.reduce((sum, n) => sum + n, 0);
  const rowsOf = (phrase: number) => range(starts[phrase]!, tokens[phrase]!);
  const layout: SceneGraphLayout = { vertexTokens: [], edgeTokens: [], edges: [], sequence: [] };
  const { vertexTokens, edgeTokens, edges } = layout;
  const relations: number[][] = [];
  const items: number[][] = [];

  const addItem = (phrase: number): number[] => {
    if (!tokens[phrase])
      throw invalid(`phrase ${phrase}, an item of a triple, has ${tokens[phrase] ?? 'no'} tokens`);
    const vertices = range(vertexTokens.length, tokens[phrase]);
    vertexTokens.push(...rowsOf(phrase));
    items.push(vertices);
    return vertices;
  };
  const addEdge = (source: number, target: number, token: number) => {
    edges.push([source, target]);
    return edgeTokens.push(token) - 1;
  };

  for (const [item1, relation, item2] of triples) {
    const ends = [addItem(item1), addItem(item2)] as const;
    for (const vertices of ends) for (const v of vertices.slice(0, -1)) addEdge(v, vertices.at(-1)!, dash);
    relations.push(rowsOf(relation).map((token) => addEdge(ends[0].at(-1)!, ends[1].at(-1)!, token)));
  }
  layout.sequence = relations.flatMap((relation, i) => [
    ...items[2 * i]!,
    ...relation.map((edge) => vertexTokens.length + edge),
    ...items[2 * i + 1]!,
  ]);
  return layout;
}

const range = (start: number, length: number) => Array.from({ length }, (_, i) => start + i);

const invalid = (what: string) => new DiptychError('DIPTYCH_INVALID_INPUT', `scene graph: ${what}`);
