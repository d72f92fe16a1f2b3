import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { selfSignedCertificate } from "./self-signed-certificate.ts";

/** What a site answers. */
export type SiteHandler = (request: Request) => Promise<Response>;

/** A client's own https server on this machine, under a name below .example that only the tests' browser finds. */
export interface HttpsSite {
  readonly host: string;
  /** its origin, with its port */
  readonly url: string;
  serve(handler: SiteHandler): void;
  close(): void;
}

/** Opens a site, which answers 503 until it is told what to serve: what serves it may have to know its address. */
export async function openHttpsSite(host: string): Promise<HttpsSite> {
  let handler: SiteHandler = async () => new Response(null, { status: 503 });
  let url = "";
  const server = createServer(selfSignedCertificate(host), async (incoming, outgoing) => {
    const response = await handler(await readRequest(url, incoming)).catch(
      (error: unknown) => new Response(String(error), { status: 500 }),
    );
    const cookies = response.headers.getSetCookie();
    const headers = Object.fromEntries(response.headers);
    outgoing.writeHead(response.status, cookies.length === 0 ? headers : { ...headers, "set-cookie": cookies });
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  url = `https://${host}:${address.port}`;
  return {
    host,
    url,
    serve: (next) => {
      handler = next;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Serves what a server on another port of this machine answers, as whoever ends TLS for it does. */
export function forwardTo(port: number): SiteHandler {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const { method } = request;
    const body = method === "GET" ? {} : { body: await request.arrayBuffer() };
    const url = `http://127.0.0.1:${port}${pathname}${search}`;
    return fetch(url, { method, headers: request.headers, redirect: "manual", ...body });
  };
}

async function readRequest(origin: string, incoming: IncomingMessage): Promise<Request> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(Buffer.from(part));
  const headers = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const method = incoming.method ?? "GET";
  const body = method === "GET" || method === "HEAD" ? {} : { body: Buffer.concat(parts) };
  return new Request(new URL(incoming.url ?? "/", origin), { method, headers, ...body });
}
