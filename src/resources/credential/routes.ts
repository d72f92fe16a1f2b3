import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { notFound } from "../../http/management-error.ts";
import { timesOf } from "../answer-parts.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { deliverSoon } from "../deliver-mail.ts";
import { demandPowerOver } from "../demand-power.ts";
import { demandVersion } from "../etag.ts";
import { eventSourceOf } from "../event-source.ts";
import { demandOwner, identityIdOf, ownerOf } from "../identity-path.ts";
import { lists } from "../list-operation.ts";
import { reads, type WriteCall, writes } from "../operations.ts";
import { queuePasskeyNotice } from "../passkey-notice.ts";
import {
  type Credential,
  type CredentialKey,
  countCredentials,
  findCredential,
  holdCredential,
  listCredentials,
  revokeCredential,
} from "./queries.ts";
import { CredentialAnswer } from "./schema.ts";

const CREDENTIALS = "/v1/tenants/{tenant}/realms/{realm}/identities/{identity}/credentials";
const CREDENTIAL = `${CREDENTIALS}/{credential}` as const;
const TAG = "Credentials";

/** The operations of credentials (reference 2.2). They are made by binding alone. */
export const CREDENTIAL_OPERATIONS = [
  lists(
    {
      name: "ListCredentials",
      path: CREDENTIALS,
      tag: TAG,
      summary: 'Lists the credentials of an identity, or, with "-" in its place, those of the realm.',
      scopes: ["credentials:read"],
      plural: "credentials",
      item: CredentialAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
      takesSkip: true,
      takesFilter: true,
    },
    (call) => {
      const owner = ownerOf(call);
      return {
        page: (page) => demandOwner(call.db, owner, listCredentials(call.db, owner, page)),
        count: (filter) => countCredentials(call.db, owner, filter),
        idOf: ({ key }) => key.credentialId,
        show: answerOf,
      };
    },
  ),
  reads(
    {
      name: "GetCredential",
      method: "GET",
      path: CREDENTIAL,
      tag: TAG,
      summary: "Shows a credential.",
      scopes: ["credentials:read"],
      answer: CredentialAnswer,
      isVersioned: true,
    },
    async (call) => {
      const key = keyOf(call);
      const credential = await findCredential(call.db, key, identityIdOf(call));
      if (credential === undefined) throw notFound("Credential", key.credentialId);
      return { value: answerOf(credential), version: credential.version };
    },
  ),
  writes(
    {
      name: "RevokeCredential",
      method: "POST",
      path: `${CREDENTIAL}:revoke`,
      tag: TAG,
      summary: "Revokes a credential for good: nobody logs in with it any more.",
      scopes: ["credentials:revoke"],
      answer: CredentialAnswer,
      isVersioned: true,
      event: { type: "CredentialChange", resource: "Credential", action: "UPDATE" },
    },
    async (call) => {
      const { db, nowMs, request } = call;
      const key = keyOf(call);
      const credential = await holdCredential(db, key, identityIdOf(call));
      if (credential === undefined) throw notFound("Credential", key.credentialId);
      demandVersion(request, credential.version);
      await demandPowerOver(call, key, { identityIds: [credential.identityId] });
      if (credential.state === "REVOKED") return { value: answerOf(credential), version: credential.version };
      await revokeCredential(db, key, nowMs);
      await tellOwner(call, credential);
      const revoked: Credential = {
        ...credential,
        ...{ state: "REVOKED", version: credential.version + 1, updatedAtMs: nowMs },
      };
      const facts = { identity_id: credential.identityId, state: revoked.state };
      return { value: answerOf(revoked), version: revoked.version, about: { id: key.credentialId, facts } };
    },
  ),
] as const;

// Who did it is in the events; to the owner it was somebody else, in no browser of his.
async function tellOwner(
  { deps, db, request, afterReply, afterCommit }: WriteCall<unknown, unknown>,
  { key, identityId, displayName }: Credential,
): Promise<void> {
  const { tenantId, realmId, credentialId } = key;
  const mailKey = await queuePasskeyNotice(deps, db, {
    kind: "PASSKEY_REMOVED",
    owner: { tenantId, realmId, identityId },
    credentialId,
    passkeyName: displayName,
    source: eventSourceOf(deps.clock, request),
    userAgent: undefined,
  });
  afterCommit(() => deliverSoon(afterReply, deps, mailKey));
}

function keyOf(call: Call<unknown, unknown>): CredentialKey {
  const credentialId = readPathId(call.request, { parameter: "credential", shape: "hex", kind: "Credential" });
  return { ...realmOf(call), credentialId };
}

function answerOf(credential: Credential): CredentialAnswer {
  const { key, identityId, state, csrType, publicJwk, jwkThumbprint } = credential;
  return {
    id: key.credentialId,
    identity_id: identityId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    state,
    csr_type: csrType,
    jwk_json: JSON.stringify(publicJwk),
    jwk_thumbprint: jwkThumbprint,
    ...timesOf(credential),
  };
}
