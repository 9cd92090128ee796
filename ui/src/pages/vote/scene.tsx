/** What the images should show: the prompt, and the scene graph as items with attributes and what relates them. */
interface Item {
  item_id: number;
  label: string;
  attributes?: string[];
}
interface Relation {
  triple_id: number;
  item1: number;
  relation: string;
  item2: number;
}

export function Scene({ prompt, annotation }: { prompt: string; annotation: unknown }) {
  const { items, relations } = annotation as { items: Item[]; relations: Relation[] };
  const labels = new Map(items.map(({ item_id, label }) => [item_id, label]));
  return (
    <div class="scene">
      <p class="prompt">{prompt}</p>
      <ul class="chips" aria-label="Scene graph">
        {items.map(({ item_id, label, attributes = [] }) => (
          <li key={`i${item_id}`} class="chip">
            {attributes.length > 0 && <span class="faint">{attributes.join(', ')}</span>}
            {label}
          </li>
        ))}
        {relations.map(({ triple_id, item1, relation, item2 }) => (
          <li key={`r${triple_id}`} class="chip">
            {labels.get(item1)}
            <span class="faint">{relation}</span>
            {labels.get(item2)}
          </li>
        ))}
      </ul>
    </div>
  );
}
