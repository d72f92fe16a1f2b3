import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Identities: one is left, others are made, shown, changed and deleted. */
export const useIdentities: Use = async ({ api }) => {
  const make = async (username: string): Promise<string> => {
    const traits = { type: "traits_v0", username } as const;
    return (await succeed(api("CreateIdentity", { body: { identity: { display_name: "Somebody", traits } } }))).id;
  };
  // A name that could be a client_id, so that somebody looks whether it is one.
  const identity = await make("somebody");
  await succeed(api("GetIdentity", { identity }));
  await succeed(api("ListIdentities", { query: { filter: 'traits.username sw "some"' } }));
  await succeed(api("UpdateIdentity", { identity, body: { identity: { status: "suspended" } } }));
  await succeed(api("DeleteIdentity", { identity }));
  await succeed(api("BatchDeleteIdentities", { body: { ids: [await make("one"), await make("two")] } }));
  return { identity: await make("left@example.com") };
};
