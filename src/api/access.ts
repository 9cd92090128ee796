/**
 * Who may ask for what. While a store has no key and the service listens on the loopback, anybody on this machine may
 * ask for anything; from the first key on, every request needs one of the scope that its route names.
 *
 * Browsers are watched in both cases: a page of another site can send requests to the loopback, so what changes
 * something must come from a page of this service, and without keys the name that the browser asked for must be the
 * loopback's (another site's name may have been pointed here: DNS rebinding).
 */
import cookie from '@fastify/cookie';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { DiptychError } from '../errors.ts';
import {
  allows,
  type Caller,
  callerOfKey,
  callerOfSession,
  keysInForce,
  type Scope,
} from '../store/api-keys.ts';
import type { Store } from '../store/client.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key must allow; left out: read for GET, write for the rest. */
    access?: Scope | 'anyone';
  }
  interface FastifyRequest {
    /** Whose key came with the request; null: none did, or none is needed. */
    caller: Caller | null;
  }
  interface FastifyInstance {
    /** Counts a wrong key against its sender's address. Throws DIPTYCH_TOO_MANY_REQUESTS, else says what is wrong. */
    refuseKey(request: FastifyRequest, reply: FastifyReply, message: string): Promise<never>;
    needsKeys(): Promise<boolean>;
  }
}

export interface AccessOptions {
  store: Store;
  /** The service can be reached from other machines: keys are asked for even where there are none yet. */
  exposed: boolean;
  /** Per minute: of one key, and wrong keys of one address. */
  limits?: { requests: number; wrongKeys: number };
}

export const SESSION_COOKIE = 'diptych_session';

const LIMITS = { requests: 6000, wrongKeys: 20 };
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** Whether a host that a server listens on or is asked for is this machine's own. */
export const isLoopback = (host: string) => LOOPBACK.test(host) || host === '::1';

const READING = ['GET', 'HEAD', 'OPTIONS'];
/** A store without keys is asked again after this long whether it has one now. */
const OPEN_FOR_MS = 1000;

/** For the plugins of pages that hold no data: `onRoute` of what needs no key. */
export function forAnyone(route: RouteOptions): void {
  route.config = { ...route.config, access: 'anyone' };
}

export async function guardAccess(
  app: FastifyInstance,
  { store, exposed, limits = LIMITS }: AccessOptions,
): Promise<void> {
  await app.register(cookie);
  await app.register(rateLimit, { global: false, timeWindow: '1 minute' });
  const countRequest = app.createRateLimit({
    max: limits.requests,
    keyGenerator: ({ caller }: FastifyRequest) => `key ${caller!.keyId}`,
  });
  const countWrongKey = app.createRateLimit({
    max: limits.wrongKeys,
    keyGenerator: ({ ip }: FastifyRequest) => `wrong ${ip}`,
  });

  let closed = exposed;
  let askedAt = 0;
  const needsKeys = async () => {
    if (!closed && Date.now() - askedAt > OPEN_FOR_MS) {
      askedAt = Date.now();
      closed = await keysInForce(store);
    }
    return closed;
  };
  const refuseKey = async (request: FastifyRequest, reply: FastifyReply, message: string): Promise<never> => {
    const count = await countWrongKey(request);
    if (!count.isAllowed && count.isExceeded) throw tooMany(reply, count.ttlInSeconds, 'wrong keys');
    throw new DiptychError('DIPTYCH_UNAUTHENTICATED', message);
  };
  app.decorate('needsKeys', needsKeys);
  app.decorate('refuseKey', refuseKey);
  app.decorateRequest('caller', null);

  app.addHook('onRequest', async (request, reply) => {
    const reading = READING.includes(request.method);
    if (!reading) checkOrigin(request);
    const { access = reading ? 'read' : 'write' } = request.routeOptions.config;
    if (!(await needsKeys())) return checkHost(request);
    request.caller = await callerOf(store, request);
    if (access === 'anyone') return;
    if (!request.caller) {
      const { authorization } = request.headers;
      return refuseKey(request, reply, authorization ? WRONG_KEY : NO_KEY);
    }
    const count = await countRequest(request);
    if (!count.isAllowed && count.isExceeded) throw tooMany(reply, count.ttlInSeconds, 'requests');
    if (!allows(request.caller.scope, access)) {
      throw new DiptychError(
        'DIPTYCH_FORBIDDEN',
        `the key's scope is "${request.caller.scope}", but ${request.method} ${request.routeOptions.url} needs "${access}"`,
      );
    }
  });
}

export const WRONG_KEY =
  'the key is not valid: it may have been revoked or rotated; `diptych keys list` tells';
const NO_KEY =
  'this service asks for a key: send it as "Authorization: Bearer KEY"; `diptych keys create` makes one';

async function callerOf(store: Store, { headers, cookies }: FastifyRequest): Promise<Caller | null> {
  const [, key] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (key !== undefined) return callerOfKey(store, key);
  const session = cookies[SESSION_COOKIE];
  return session === undefined ? null : callerOfSession(store, session);
}

/** Browsers name the page that a changing request comes from; other clients name none. */
function checkOrigin({ headers: { origin, host } }: FastifyRequest): void {
  if (origin === undefined || URL.parse(origin)?.host === host) return;
  throw new DiptychError(
    'DIPTYCH_FORBIDDEN',
    `the request comes from a page of "${origin}", this is "${host}"; pages of other sites may change nothing here`,
  );
}

function checkHost({ hostname, headers: { host } }: FastifyRequest): void {
  if (isLoopback(hostname)) return;
  throw new DiptychError(
    'DIPTYCH_FORBIDDEN',
    `the request is for "${host}"; without keys this service answers to 127.0.0.1 and localhost alone`,
  );
}

function tooMany(reply: FastifyReply, seconds: number, what: string): DiptychError {
  reply.header('retry-after', seconds);
  return new DiptychError(
    'DIPTYCH_TOO_MANY_REQUESTS',
    `too many ${what} within a minute; go on in ${seconds} s`,
  );
}
