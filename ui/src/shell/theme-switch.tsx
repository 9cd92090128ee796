/** Light, dark, or as the system has it. public/theme.js reads the choice before the first paint. */
import { useState } from 'preact/hooks';

const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>((localStorage.getItem('theme') as Theme | null) ?? 'system');

  function choose(next: Theme): void {
    setTheme(next);
    if (next === 'system') {
      localStorage.removeItem('theme');
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem('theme', next);
      document.documentElement.dataset.theme = next;
    }
    // Curves are painted on a canvas, which no style reaches.
    dispatchEvent(new Event('theme'));
  }

  return (
    <select
      class="theme"
      aria-label="Theme"
      value={theme}
      onChange={(event) => choose(event.currentTarget.value as Theme)}
    >
      {THEMES.map((name) => (
        <option key={name} value={name}>
          {name[0]!.toUpperCase() + name.slice(1)}
        </option>
      ))}
    </select>
  );
}
