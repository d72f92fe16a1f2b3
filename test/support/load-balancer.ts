import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { call } from "./http.ts";

const CHECK_EVERY_MS = 100;

/** What stands before several nodes, as load balancers do: it asks who is ready, and keeps connections to those. */
export interface LoadBalancer {
  /** Resolves when so many nodes are known to be ready. */
  waitFor(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param urls of the nodes */
export async function startLoadBalancer(port: number, urls: readonly string[]): Promise<LoadBalancer> {
  const agent = new Agent({ keepAlive: true });
  let ready: readonly string[] = [];
  let turn = 0;
  const check = async (): Promise<void> => {
    const answers = await Promise.all(urls.map((url) => call(`${url}/health/ready`).catch(() => undefined)));
    ready = urls.filter((_, index) => answers[index]?.status === 200);
  };
  const forward = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await Array.fromAsync(incoming));
    turn += 1;
    const order = ready.map((_, index) => ready[(turn + index) % ready.length] ?? "");
    for (const url of order) {
      const from = await send(url, incoming, body, agent);
      if (from === undefined) continue;
      answer.writeHead(from.statusCode ?? 502, withoutConnection(from));
      from.pipe(answer);
      return;
    }
    answer.writeHead(502).end();
  };
  const server = createServer((incoming, answer) => {
    forward(incoming, answer).catch((error: unknown) => answer.writeHead(502).end(String(error)));
  }).listen(port, "localhost");
  await once(server, "listening");
  await check();
  const timer = setInterval(() => void check(), CHECK_EVERY_MS);
  return {
    waitFor: async (count) => {
      while (ready.length < count) await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
    },
    stop: async () => {
      clearInterval(timer);
      agent.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A node that refuses the connection got nothing of the request: another may have it. Whatever else goes wrong is the client's to see. */
function send(url: string, { method, url: path, headers }: IncomingMessage, body: Buffer, agent: Agent) {
  return new Promise<IncomingMessage | undefined>((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      { method, headers: { ...headers, connection: "keep-alive" }, agent },
      resolve,
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") resolve(undefined);
      else reject(error);
    });
    sent.end(body);
  });
}

// Each connection is between two: what the node says of its own is not for the client.
function withoutConnection({ headers }: IncomingMessage): IncomingMessage["headers"] {
  const { connection: _connection, "keep-alive": _keepAlive, ...others } = headers;
  return others;
}
