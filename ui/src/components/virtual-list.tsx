/** A list of any length of which only the rows in sight exist: a listbox, moved through with keys. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import './virtual-list.css';

interface Props {
  label: string;
  count: number;
  /** Pixels of every row. */
  rowHeight: number;
  selected: number;
  onSelect(index: number): void;
  keyOf(index: number): string;
  row(index: number): ComponentChildren;
}

const OVERSCAN = 6;

/** Made anew only when what makes it has changed, not when the list moves. */
function Row({ row, index }: Pick<Props, 'row'> & { index: number }) {
  return useMemo(() => <>{row(index)}</>, [row, index]);
}

export function VirtualList({ label, count, rowHeight, selected, onSelect, keyOf, row }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [[top, height], setView] = useState([0, 800]);

  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setView([element.scrollTop, element.clientHeight]);
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  // The selected row is kept in sight.
  useEffect(() => {
    const element = box.current!;
    const [from, to] = [selected * rowHeight, (selected + 1) * rowHeight];
    if (from < element.scrollTop) element.scrollTop = from;
    else if (to > element.scrollTop + element.clientHeight) element.scrollTop = to - element.clientHeight;
  }, [selected, rowHeight]);

  function onKeyDown(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const to = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -count, End: count }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    onSelect(Math.max(0, Math.min(count - 1, selected + to)));
  }

  const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
  const last = Math.min(count - 1, Math.ceil((top + height) / rowHeight) + OVERSCAN);
  const seen = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  const rowId = (index: number) => `row-${keyOf(index)}`;
  return (
    <div
      ref={box}
      class="virtual-list"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={count > 0 && selected >= first && selected <= last ? rowId(selected) : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="presentation" style={{ height: `${count * rowHeight}px` }}>
        {seen.map((index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the listbox has focus and keys.
          <div
            key={keyOf(index)}
            id={rowId(index)}
            role="option"
            aria-selected={index === selected}
            aria-setsize={count}
            aria-posinset={index + 1}
            style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
            onClick={() => onSelect(index)}
          >
            <Row {...{ row, index }} />
          </div>
        ))}
      </div>
    </div>
  );
}
