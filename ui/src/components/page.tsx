/** Head and body of a page; its title is also the window's. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import './page.css';

interface Props {
  title: string;
  /** Above the title: where this page is. */
  trail?: ComponentChildren;
  /** Under the title, in one line. */
  about?: ComponentChildren;
  /** Beside the title. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Page({ title, trail, about, actions, children }: Props) {
  useEffect(() => {
    document.title = title === 'Diptych' ? title : `${title} · Diptych`;
  }, [title]);
  return (
    <div class="page">
      <div class="page-head">
        <div>
          {trail && <div class="trail small">{trail}</div>}
          <h1>{title}</h1>
          {about && <div class="about soft small">{about}</div>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
