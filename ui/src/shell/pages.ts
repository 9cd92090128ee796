/** The pages that the navigation names, in its order. `aboutRun`: they take `?run=ID`. */
export const PAGES: readonly { href: string; name: string; aboutRun?: boolean }[] = [
  { href: '/', name: 'Runs' },
  { href: '/vote', name: 'Vote', aboutRun: true },
];
