/** Numbers, times and names as people read them. */

export const count = (n: number) => n.toLocaleString('en');

/** A metric's or reward's value. */
export const score = (x: number) => x.toFixed(3);
export const signed = (x: number) => `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(3)}`;
export const percent = (share: number) => `${Math.floor(share * 100)}%`;

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.round(hours / 24)} days`;
}

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  const unit = n < 1e6 ? ['KB', 1e3] : n < 1e9 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(n / (unit[1] as number)).toFixed(1)} ${unit[0]}`;
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const CLOCK_SECONDS = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export const clock = (at: Date) => CLOCK_SECONDS.format(at);

/** "14:03" today, else "3 Nov, 14:03". */
export function when(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const time = CLOCK.format(at);
  return at.toDateString() === now.toDateString() ? time : `${DAY.format(at)}, ${time}`;
}

/** Enough of an id to tell runs apart. */
export const shortId = (id: string) => id.slice(0, 8);
