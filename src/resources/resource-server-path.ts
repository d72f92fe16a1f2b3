import { notFound } from "../http/management-error.ts";
import { type Call, readPathId, realmOf } from "./call.ts";
import { findResourceServer, type ResourceServer, type ResourceServerKey } from "./resource-server/queries.ts";

/** The resource server that a call's path names. Throws 404 for an id that can name none. */
export function serverKeyOf(call: Call<unknown, unknown>): ResourceServerKey {
  const path = { parameter: "resource_server", shape: "uuid", kind: "ResourceServer" } as const;
  return { ...realmOf(call), resourceServerId: readPathId(call.request, path) };
}

/** Reads the resource server that a call's path names. Throws 404 where there is none. */
export async function getPathServer(call: Call<unknown, unknown>): Promise<ResourceServer> {
  const key = serverKeyOf(call);
  const server = await findResourceServer(call.db, key);
  if (server === undefined) throw notFound("ResourceServer", key.resourceServerId);
  return server;
}
