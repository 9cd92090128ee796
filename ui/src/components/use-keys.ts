/** Keys of a page: heard wherever the focus is, except in fields and dialogs. */
import { useLayoutEffect, useRef } from 'preact/hooks';

/** `act` says whether it knows the key; the newest one is asked. */
export function useKeys(act: (event: KeyboardEvent) => boolean): void {
  const newest = useRef(act);
  newest.current = act;
  // As soon as the page stands: a key pressed at once is heard.
  useLayoutEffect(() => {
    function onKey(event: KeyboardEvent): void {
      const typing =
        event.target instanceof Element && event.target.closest('input, select, textarea, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (newest.current(event)) event.preventDefault();
    }
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
