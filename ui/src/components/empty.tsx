/** Where nothing is: why, and what to do next. */
import type { ComponentChildren } from 'preact';
import './empty.css';

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <h2>{title}</h2>
    {children}
  </div>
);
