import { decodeJwt } from "jose";
import { tokenRevocationsJob } from "../../../src/jobs/token-revocations.ts";
import { endTokensLate } from "../late-revocations.ts";
import { succeed } from "../management-client.ts";
import type { Use } from "./index.ts";

/** Tokens, and what is recorded of requests: events, decisions, mails. */
export const useRecords: Use = async ({ tenant, api }) => {
  const resourceServer = await tenant.addResourceServer();
  const tokens = { expires_after: 3_600, token_signing_algorithm: "ES256" as const };
  const protocol_config = {
    type: "oauth2" as const,
    grant_type: ["client_credentials" as const],
    allowed_scopes: [...resourceServer.settings.scopes],
    token_configuration: tokens,
  };
  const client = await tenant.addApplication({ display_name: "Till", protocol_config }, resourceServer);
  const { applicationId: application } = client.key;
  const ask = () => tenant.token(client, { grant_type: "client_credentials" });
  const [granted, other] = [await ask(), await ask()];
  const token = String(decodeJwt(String(granted.json?.access_token)).jti);
  await succeed(api("ListTokens", { application, query: { principal_type: "application" } }));
  const revoked = String(decodeJwt(String(other.json?.access_token)).jti);
  await succeed(api("GetToken", { application, token_id: token }));
  await succeed(api("GetTokenTree", { application, token_id: token, query: { page_size: "10" } }));
  await succeed(api("ShortenToken", { application, token_id: revoked, body: { expiration_time: 60 } }));
  await succeed(api("RevokeToken", { application, token_id: revoked }));
  const before = { application_id: application, issued_before: 1 };
  const { id: token_revocation } = await succeed(
    api("CreateTokenRevocation", { body: { token_revocation: { filter: before } } }),
  );
  await tokenRevocationsJob.run(tenant.server.deps);
  await endTokensLate(tenant.server);
  await succeed(api("GetTokenRevocation", { token_revocation }));
  await succeed(api("ListTokenRevocations", {}));
  await tenant.introspect(client, String(granted.json?.access_token));
  await succeed(api("GetTokenUsage", { application, query: { days: "7" } }));
  await succeed(api("ApplyTokenUsage", { application, body: { default_expires_after: 900 } }));
  await succeed(api("ListEvents", { query: { order: "newest_first" } }));
  await succeed(api("ListEvents", { headers: { accept: "application/x-ndjson" } }));
  await succeed(api("GetEvent", { event: token }));
  const trace = granted.headers.get("x-trace-id") ?? "";
  await succeed(api("GetDecision", { trace }));
  await succeed(api("ListMails", {}));
  return { application, token_id: token, token_revocation, event: token, trace };
};
