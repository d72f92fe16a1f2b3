import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A network between a client and a server that can be cut. */
export interface CuttableLink {
  /** the server's URL through it */
  readonly url: string;
  /** Breaks every connection, and takes no other. */
  cut(): void;
  mend(): void;
  stop(): void;
}

/** Opens a way to the server at this URL. */
export async function cuttableLink(serverUrl: string): Promise<CuttableLink> {
  const { port, hostname } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const listener = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const server = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined);
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("a listener has no port");
  const breakAll = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: breakAll,
    mend: () => {
      isCut = false;
    },
    stop: () => {
      breakAll();
      listener.close();
    },
  };
}
