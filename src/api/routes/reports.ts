/** Pages for people: the list of runs with their reports, and the reports. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { escaped } from '../../evaluation/escaped.ts';
import { listRuns } from '../../jobs/runs.ts';
import { findArtifact } from '../../store/artifacts.ts';
import { RunId } from '../schemas.ts';
import type { Services } from '../services.ts';

const LISTED = 100;

export function reportRoutes({ store, artifacts }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/', { schema: { hide: true } }, async (_request, reply) => {
      const runs = await listRuns(store, null, LISTED);
      const rows = runs.map(
        ({ id, kind, status, annotationSet, createdAt }) =>
          `<tr><td><a href="/v1/runs/${id}">${id.slice(0, 8)}</a></td><td>${kind}</td><td>${escaped(annotationSet)}</td>
<td>${status}</td><td>${createdAt.toISOString()}</td>
<td>${status === 'succeeded' && ['evaluate', 'curate-then-train'].includes(kind) ? `<a href="/reports/${id}">report</a>` : ''}</td></tr>`,
      );
      reply.type('text/html');
      return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Diptych</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
td,th{padding:.2rem .8rem .2rem 0;text-align:left}</style></head><body><h1>Diptych</h1>
<p><a href="/docs">API</a></p><table><tr><th>run</th><th>kind</th><th>annotations</th><th>status</th><th>asked for</th><th></th></tr>
${rows.join('\n') || '<tr><td colspan="6">no runs yet</td></tr>'}</table></body></html>`;
    });

    const options = { config: { streams: true }, schema: { hide: true, params: RunId } };
    app.get('/reports/:id', options, async ({ params }, reply) => {
      const report = await findArtifact(store, params.id, 'report.html');
      return reply.type('text/html').send(await artifacts.read(params.id, report));
    });
  };
}
