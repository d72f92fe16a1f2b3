import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { sectorOf } from "../protocol/redirect-uri.ts";
import { isSubject, subjectKey } from "../protocol/subject.ts";
import { claimSubject, findIdentitiesByEmail, type Identity } from "../resources/identity/queries.ts";
import { assignPairwiseSubject } from "../resources/pairwise-subject/queries.ts";
import type { Services } from "./services.ts";

const PAIRWISE_BYTES = 16;

/**
 * The `sub` of a person for an application (rule 2): unique, verified, and never anybody else's.
 *
 * @throws OAuthError `access_denied`; the cause is for the decision only
 */
export async function decideSubject(
  services: Services,
  context: ApplicationContext,
  identity: Identity,
): Promise<string> {
  const db = services.deps.database.tenants([context.key.tenantId]);
  const isPairwise = context.client.subjectType === "pairwise";
  const value = isPairwise
    ? await findPairwise(services, context, identity)
    : await findValue(services, context, identity);
  if (!isSubject(value)) throw refusal(context, "the value is not ASCII, or has over 255 characters");
  const isOwn = await claimSubject(db, context.key, subjectKey(value), identity.key.identityId);
  if (!isOwn) throw refusal(context, "the value was the subject of another identity");
  return value;
}

// OIDC Core §8.1: the same for applications of one host, and nothing that another host could compare.
async function findPairwise(services: Services, context: ApplicationContext, identity: Identity): Promise<string> {
  const sector = sectorOf(context.client.redirectUris);
  if (sector === undefined) throw refusal(context, "a pairwise application has redirect URIs of several hosts");
  const db = services.deps.database.tenants([context.key.tenantId]);
  const subject = services.deps.random.bytes(PAIRWISE_BYTES).toString("hex");
  return assignPairwiseSubject(db, identity.key, { sector, subject });
}

async function findValue(services: Services, context: ApplicationContext, identity: Identity): Promise<string> {
  const { identityId } = identity.key;
  switch (context.client.subjectField) {
    case "id":
      return identityId;
    case "email":
      return checkEmail(services, context, identity);
    case "username": {
      const { username } = identity.traits;
      // Somebody's id as another's name: it would be that person's subject elsewhere in the realm.
      const isForeignId = HEX_ID.test(subjectKey(username)) && username !== identityId;
      if (isForeignId) throw refusal(context, "the user name looks like the id of an identity");
      return username;
    }
  }
}

async function checkEmail(services: Services, context: ApplicationContext, identity: Identity): Promise<string> {
  const address = identity.traits.primary_email_address;
  if (!address || identity.emailKey === undefined) throw refusal(context, "the identity has no address");
  if (!identity.emailVerified) throw refusal(context, "the address is not verified");
  const db = services.deps.database.tenants([context.key.tenantId]);
  const holders = await findIdentitiesByEmail(db, context.key, identity.emailKey);
  if (holders.length !== 1) throw refusal(context, "the address is not unique in the realm");
  return address;
}

function refusal(context: ApplicationContext, detail: string): OAuthError {
  return new OAuthError("access_denied", detail, { facts: { subject_field: context.client.subjectField } });
}
