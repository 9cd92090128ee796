/** The pages that the navigation names, in its order. `aboutRun`: they take `?run=ID`. */
export const PAGES: readonly { href: string; name: string; aboutRun?: boolean }[] = [
  { href: '/', name: 'Runs' },
  { href: '/gallery', name: 'Gallery', aboutRun: true },
  { href: '/pairs', name: 'Pairs', aboutRun: true },
  { href: '/vote', name: 'Vote', aboutRun: true },
  { href: '/training', name: 'Training', aboutRun: true },
  { href: '/compare', name: 'Compare', aboutRun: true },
  { href: '/datasets', name: 'Datasets' },
];
