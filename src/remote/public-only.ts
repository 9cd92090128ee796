/**
 * Requests to addresses that strangers chose may reach the public internet alone: not this machine, its network or a
 * cloud's metadata. Every connection is checked, of redirects too, and made to the very address that was checked: a
 * name that resolves to something else the second time (DNS rebinding) gains nothing.
 */
import dns from 'node:dns';
import net from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { DiptychError } from '../errors.ts';

/** The variable that lifts the guard, for services of the same network. */
const OPT_OUT = 'DIPTYCH_PRIVATE_ADDRESSES';

export type Resolve = (host: string) => Promise<{ address: string; family: number }[]>;

const resolveName: Resolve = (host) => dns.promises.lookup(host, { all: true });

/** Of an IP address: neither private, loopback, link-local, reserved nor a cover for one (IPv4 in IPv6). */
export function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}

/**
 * For fetch of undici. `own`: an origin that may be private, such as that of the server whose answer names the
 * address. Connections to private addresses fail with DIPTYCH_FORBIDDEN.
 */
export function publicOnly(own?: string, resolve: Resolve = resolveName): Dispatcher {
  const connector = buildConnector({ timeout: 10_000 });
  return new Agent({
    connect(options, callback) {
      const { protocol, hostname, port } = options;
      // URL.origin leaves out a protocol's usual port.
      const origin = URL.parse(
        `${protocol}//${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`,
      )?.origin;
      const checked =
        process.env[OPT_OUT] === 'allow' || origin === own
          ? Promise.resolve(hostname)
          : publicAddress(hostname, resolve);
      checked.then(
        (address) =>
          connector({ ...options, hostname: address, servername: servernameOf(hostname) }, callback),
        (error: Error) => callback(error, null),
      );
    },
  });
}

/** An address of the host, every one of which must be public. */
async function publicAddress(host: string, resolve: Resolve): Promise<string> {
  const plain = host.replace(/^\[|\]$/g, '');
  const addresses = net.isIP(plain) ? [plain] : (await resolve(plain)).map(({ address }) => address);
  const inside = addresses.find((address) => !isPublic(address));
  if (inside !== undefined || addresses.length === 0) {
    throw new DiptychError(
      'DIPTYCH_FORBIDDEN',
      `"${plain}" is ${inside ?? 'nowhere'}, not a public address; ${OPT_OUT}=allow in the environment of the service lets requests go there`,
    );
  }
  return addresses[0]!;
}

/** What a certificate must name; addresses have no name to send (RFC 6066). */
const servernameOf = (host: string) => (net.isIP(host.replace(/^\[|\]$/g, '')) ? undefined : host);
