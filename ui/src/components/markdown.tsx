/** Markdown as elements; never as HTML, so that nothing in it can run. */
import './markdown.css';
import { type Block, blocksOf, type Inline } from './markdown-blocks.ts';
import { ScrollX } from './scroll-x.tsx';

export const Markdown = ({ text }: { text: string }) => (
  <div class="markdown">
    {blocksOf(text).map((block, i) => (
      <One key={i} {...{ block }} />
    ))}
  </div>
);

function One({ block }: { block: Block }) {
  if (block.kind === 'table') return <Table {...block} />;
  if (block.kind === 'list') {
    return (
      <ul>
        {block.items.map((item, i) => (
          <li key={i}>
            <Inlines of={item} />
          </li>
        ))}
      </ul>
    );
  }
  if (block.kind === 'code') {
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus no key could scroll it.
      <pre tabIndex={0}>{block.text}</pre>
    );
  }
  const text = <Inlines of={block.text} />;
  // The page's own headings are above.
  return block.kind === 'heading' ? <h3 class={block.level === 1 ? 'first' : ''}>{text}</h3> : <p>{text}</p>;
}

const Table = ({ head, rows }: Extract<Block, { kind: 'table' }>) => (
  <ScrollX label="Table">
    <table>
      <thead>
        <tr>
          {head.map((cell, i) => (
            <th key={i} scope="col">
              <Inlines of={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, i) => (
          <tr key={i}>
            {row.map((cell, j) => (
              <td key={j}>
                <Inlines of={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </ScrollX>
);

const Inlines = ({ of }: { of: readonly Inline[] }) => (
  <>
    {of.map((part, i) => {
      if (typeof part === 'string') return part;
      if ('href' in part) {
        return (
          <a key={i} href={part.href} target="_blank" rel="noopener external">
            {part.text}
          </a>
        );
      }
      const Element = part.kind;
      return <Element key={i}>{part.text}</Element>;
    })}
  </>
);
