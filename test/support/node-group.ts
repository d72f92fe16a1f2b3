import { findFreePort } from "../../bin/free-port.mjs";
import type { Environment } from "../../src/config.ts";
import {
  type Credentials,
  credentialsAt,
  type ServerPlace,
  type ServerProcess,
  serverPlace,
} from "./server-process.ts";

/** One of several nodes on one database. */
export interface GroupedNode {
  readonly place: ServerPlace;
  /** the process that runs now */
  server: ServerProcess;
  /** with the endpoints of this node */
  readonly credentials: Credentials;
}

/** Nodes on one database, behind one public URL. */
export interface NodeGroup {
  readonly nodes: readonly GroupedNode[];
  /** where a load balancer may listen */
  readonly publicPort: number;
  readonly publicCredentials: Credentials;
  /** Ends every node, each with 0. */
  stop(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts nodes, all at the same moment. */
export async function startNodeGroup(count: number, environment: Environment): Promise<NodeGroup> {
  const publicPort = await findFreePort();
  const database = { ...environment, MAYFLY_PUBLIC_URL: `http://localhost:${publicPort}` };
  const places: ServerPlace[] = [];
  for (let number = 0; number < count; number += 1) places.push(await serverPlace({ database }));
  const servers = await Promise.all(places.map((place) => place.start()));
  const publicCredentials = readFirst(places);
  const nodes = servers.map((server, index): GroupedNode => {
    const place = places[index];
    if (place === undefined) throw new Error("a server has no place");
    return { place, server, credentials: credentialsAt(server.url, publicCredentials) };
  });
  return {
    nodes,
    publicPort,
    publicCredentials,
    stop: async () => {
      const ends = await Promise.all(nodes.map(({ server }) => server.end("SIGTERM")));
      const failed = ends.find(({ code }) => code !== 0);
      if (failed !== undefined) throw new Error(`a node ended with ${failed.code}: ${failed.stderr}`);
    },
    remove: async () => {
      for (const place of places) await place.remove();
    },
  };
}

/** One of them made the first start, and has the credentials. */
function readFirst(places: readonly ServerPlace[]): Credentials {
  const found = places.flatMap((place) => {
    try {
      return [place.readCredentials()];
    } catch {
      return [];
    }
  });
  const [credentials] = found;
  if (credentials === undefined || found.length > 1) throw new Error(`${found.length} nodes made the first start`);
  return credentials;
}
