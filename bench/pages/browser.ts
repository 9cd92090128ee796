/** What a browser measures of a page. */
import type { Page } from 'playwright-core';

/** Milliseconds from the request to the first text or image. */
export const firstPaint = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((list, observer) => {
          const [entry] = list.getEntriesByName('first-contentful-paint');
          if (!entry) return;
          observer.disconnect();
          resolve(entry.startTime);
        }).observe({ type: 'paint', buffered: true });
      }),
  );

/** Sum of the layout shifts that no key or click caused; to be asked after the page was used. */
export const layoutShift = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[])
            sum += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 100);
      }),
  );

/** Scrolls an element by so many pixels in each of so many frames; milliseconds between the frames, sorted. */
export async function scroll(
  page: Page,
  selector: string,
  pixels: number,
  frames: number,
): Promise<number[]> {
  const times = await page.evaluate(
    async ([where, by, count]) => {
      const element = document.querySelector(where)!;
      const next = () => new Promise<number>(requestAnimationFrame);
      const between: number[] = [];
      let before = await next();
      for (let i = 0; i < count; i++) {
        element.scrollTop += by;
        const now = await next();
        between.push(now - before);
        before = now;
      }
      return between;
    },
    [selector, pixels, frames] as const,
  );
  return times.sort((a, b) => a - b);
}

/** A page without a script that has as far to scroll. */
export const PLAIN = (height: number) =>
  `<div id="plain" style="height: 600px; overflow: auto"><div style="height: ${height}px; background: linear-gradient(red, blue)"></div></div>`;
