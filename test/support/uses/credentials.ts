import { succeed } from "../management-client.ts";
import { addPasskey } from "../test-credential.ts";
import type { Use } from "./index.ts";

/** Credentials: two of one person are left, one of them revoked. */
export const useCredentials: Use = async ({ tenant, api }) => {
  const identity = await tenant.addIdentity("passkeys@example.com");
  const credential = await addPasskey(tenant, identity);
  const spare = await addPasskey(tenant, identity);
  const { jwk_thumbprint } = await succeed(api("GetCredential", { identity, credential }));
  for (const whose of [identity, "-"]) {
    await succeed(api("ListCredentials", { identity: whose }));
    const query = { filter: `state eq "ACTIVE" and jwk_thumbprint eq "${jwk_thumbprint}"` };
    await succeed(api("ListCredentials", { identity: whose, query }));
    await succeed(api("ListCredentials", { identity: whose, query: { filter: "id pr", page_size: "1" } }));
  }
  await succeed(api("RevokeCredential", { identity, credential: spare }));
  return { identity, credential };
};
