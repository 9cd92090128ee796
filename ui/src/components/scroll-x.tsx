/** What is too wide for a narrow screen: it scrolls by itself, by keys too. */
import type { ComponentChildren } from 'preact';

export const ScrollX = ({ label, children }: { label: string; children: ComponentChildren }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus no key could scroll it.
  <section class="scroll-x" tabIndex={0} aria-label={label}>
    {children}
  </section>
);
