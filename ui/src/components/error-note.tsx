/** What went wrong, in the service's own words. */
import type { ComponentChildren } from 'preact';
import './empty.css';

export const ErrorNote = ({ error, children }: { error: Error | null; children?: ComponentChildren }) =>
  error && (
    <div class="error-note" role="alert">
      <span>{error.message}</span>
      {children}
    </div>
  );
