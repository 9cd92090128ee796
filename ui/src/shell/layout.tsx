/** What is around every page: its name, the way to the others, the theme. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import './layout.css';
import { PAGES } from './pages.ts';
import { SignOut } from './session.tsx';
import { ThemeSwitch } from './theme-switch.tsx';

export function Layout({ children }: { children: ComponentChildren }) {
  const { path, query } = useLocation();
  /** Pages about a run stay with the one that is looked at. */
  const run = query.run ?? /^\/runs\/([^/]+)/.exec(path)?.[1];
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the names scroll.
  useEffect(() => {
    const current = nav.current?.querySelector('[aria-current]');
    current?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [path]);
  return (
    <div class="layout">
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href="/">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Diptych
        </a>
        <nav ref={nav} aria-label="Pages">
          {PAGES.map(({ href, name, aboutRun }) => (
            <a
              key={href}
              href={aboutRun && run ? `${href}?run=${run}` : href}
              aria-current={
                path === href || path.startsWith(href === '/' ? '/runs' : `${href}/`)
                  ? ('page' as const)
                  : undefined
              }
            >
              {name}
            </a>
          ))}
        </nav>
        <div class="foot">
          <a href="/docs" class="soft small" rel="noopener external" target="_blank">
            API
          </a>
          <SignOut />
          <ThemeSwitch />
        </div>
      </header>
      <main id="content">{children}</main>
    </div>
  );
}
