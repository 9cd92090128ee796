/** A form that comes in from the side. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { ErrorNote } from './error-note.tsx';
import './sheet.css';

interface Props {
  title: string;
  /** On the button that does it; absent: the form has none. */
  submit?: string;
  disabled?: boolean;
  error?: Error | null;
  onSubmit?(): void;
  onClose(): void;
  children: ComponentChildren;
}

export function Sheet({ title, submit, disabled, error = null, onSubmit, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby={id} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit?.();
        }}
      >
        <header>
          <h2 id={id}>{title}</h2>
          <button class="button quiet" type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <div class="fields">{children}</div>
        {submit && (
          <footer>
            <ErrorNote error={error} />
            <button class="button primary" type="submit" disabled={disabled}>
              {submit}
            </button>
          </footer>
        )}
      </form>
    </dialog>
  );
}
