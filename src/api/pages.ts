/** The web pages: one folder of built files (ui/), and its one document under every address that is a page. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const BUILT = path.resolve(import.meta.dirname, '../../ui/dist');

/** Without built pages (`npm run setup` makes them) there is the API alone. */
export async function servePages(app: FastifyInstance): Promise<void> {
  if (!existsSync(BUILT)) return;
  await app.register(fastifyStatic, {
    root: BUILT,
    // Not file by file: set-up may build them anew under a running service.
    serve: false,
    cacheControl: false,
    preCompressed: true,
    setHeaders(reply, file) {
      // Their names change with their content.
      const named = path.dirname(file) === path.join(BUILT, 'assets');
      reply.header('cache-control', named ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  // They hold no data: what they ask the API for needs its keys.
  const options = { config: { access: 'anyone' }, schema: { hide: true } } as const;
  app.get('/*', options, (request, reply) => {
    const { pathname } = new URL(request.url, 'http://page');
    if (/^\/(v1|docs|reports)\//.test(pathname)) return reply.callNotFound();
    return reply.sendFile(path.extname(pathname) === '' ? 'index.html' : pathname);
  });
}
