/** What stands between the service's processes and its servers, and can be made to fail. */
import http from 'node:http';
import net from 'node:net';

export interface DatabaseProxy {
  /** The server's URL, by way of the proxy. */
  url: string;
  /** Cuts every connection, and refuses new ones until `mend`. */
  cut(): void;
  mend(): void;
  stop(): Promise<void>;
}

export async function startDatabaseProxy(serverUrl: string): Promise<DatabaseProxy> {
  const target = new URL(serverUrl);
  const sockets = new Set<net.Socket>();
  let open = true;
  const server = net.createServer((near) => {
    if (!open) return near.resetAndDestroy();
    const far = net.connect(Number(target.port), target.hostname);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const url = new URL(serverUrl);
  url.port = String(await listening(server));
  const cut = () => {
    open = false;
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    cut,
    mend() {
      open = true;
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface S3Proxy {
  url: string;
  /** How requests are met from now on: as the server does, with 500, or after a wait. */
  behave(how: 'well' | 'failing' | 'slow'): void;
  /** Requests that were not met as the server does. */
  disturbed(): number;
  stop(): Promise<void>;
}

const SLOW_MS = 2000;

/** Before a server at `target`. Headers stay what they are, for requests are signed with the host that they name. */
export async function startS3Proxy(target: string): Promise<S3Proxy> {
  let how: 'well' | 'failing' | 'slow' = 'well';
  let disturbed = 0;
  const server = http.createServer(async (request, response) => {
    if (how !== 'well') disturbed++;
    if (how === 'failing') {
      request.resume();
      response.writeHead(500, { 'content-type': 'application/xml' });
      return response.end('<Error><Code>InternalError</Code></Error>');
    }
    if (how === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    const { method, headers, url } = request;
    const onwards = http.request(`${target}${url}`, { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => response.destroy());
    request.pipe(onwards);
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    behave(next) {
      how = next;
    },
    disturbed: () => disturbed,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listening(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as net.AddressInfo).port;
}
