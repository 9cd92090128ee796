/** Signing in: a page shows a key once and gets a cookie that scripts can't read and other sites can't send. */

import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { callerOfKey, closeSession, openSession, SCOPES } from '../../store/api-keys.ts';
import { SESSION_COOKIE, WRONG_KEY } from '../access.ts';
import { ErrorAnswer } from '../schemas.ts';
import type { Services } from '../services.ts';

const Session = Type.Object({
  needsKey: Type.Boolean({ description: 'Whether this service asks for keys' }),
  scope: Type.Union([Type.Enum([...SCOPES]), Type.Null()], {
    description: 'What the caller may do; null: nothing before it has shown a key',
  }),
});

export function sessionRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { access: 'anyone' } as const;
    const common: CookieSerializeOptions = { path: '/', httpOnly: true, sameSite: 'strict' };

    app.get(
      '/session',
      { config, schema: { tags: ['service'], summary: 'Who am I?', response: { 200: Session } } },
      async ({ caller }) => {
        const needsKey = await app.needsKeys();
        return { needsKey, scope: needsKey ? (caller?.scope ?? null) : ('admin' as const) };
      },
    );

    app.post(
      '/session',
      {
        config,
        schema: {
          tags: ['service'],
          summary: 'Sign in with a key',
          description: 'The answer sets a cookie (HttpOnly, SameSite=Strict) that is good for 12 hours.',
          body: Type.Object({ key: Type.String({ maxLength: 200 }) }, { additionalProperties: false }),
          response: { 200: Session, 401: ErrorAnswer, 429: ErrorAnswer },
        },
      },
      async (request, reply) => {
        const caller = await callerOfKey(store, request.body.key);
        if (!caller) return app.refuseKey(request, reply, WRONG_KEY);
        const { secret, seconds } = await openSession(store, caller);
        // Behind a proxy only the page knows that it came over TLS.
        const secure = request.headers.origin?.startsWith('https:') ?? false;
        reply.setCookie(SESSION_COOKIE, secret, { ...common, secure, maxAge: seconds });
        return { needsKey: await app.needsKeys(), scope: caller.scope };
      },
    );

    app.delete(
      '/session',
      { config, schema: { tags: ['service'], summary: 'Sign out', response: { 204: Type.Null() } } },
      async (request, reply) => {
        const secret = request.cookies[SESSION_COOKIE];
        if (secret !== undefined) await closeSession(store, secret);
        return reply.clearCookie(SESSION_COOKIE, common).status(204).send(null);
      },
    );
  };
}
