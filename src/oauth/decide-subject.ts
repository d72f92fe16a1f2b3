import type { Queryable } from "../database/database.ts";
import type { Random } from "../platform/random.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { sectorOf } from "../protocol/redirect-uri.ts";
import { isSubject, subjectKey } from "../protocol/subject.ts";
import { claimSubject, findIdentitiesByEmail, type Identity } from "../resources/identity/queries.ts";
import { assignPairwiseSubject } from "../resources/pairwise-subject/queries.ts";
import type { Services } from "./services.ts";

const PAIRWISE_BYTES = 16;

/** Where subjects are kept, and what new ones are made of. */
export interface SubjectPlace {
  readonly db: Queryable;
  readonly random: Random;
}

/** Where the subjects of a tenant are kept for good. */
export function subjectPlaceOf({ deps }: Pick<Services, "deps">, tenantId: string): SubjectPlace {
  return { db: deps.database.tenants([tenantId]), random: deps.random };
}

/**
 * The `sub` of a person for an application (rule 2): unique, verified, and never anybody else's.
 *
 * @throws OAuthError `access_denied`; the cause is for the decision only
 */
export async function decideSubject(
  place: SubjectPlace,
  context: ApplicationContext,
  identity: Identity,
): Promise<string> {
  const isPairwise = context.client.subjectType === "pairwise";
  const value = isPairwise ? await findPairwise(place, context, identity) : await findValue(place, context, identity);
  if (!isSubject(value)) throw refusal(context, "the value is not ASCII, or has over 255 characters");
  const isOwn = await claimSubject(place.db, context.key, subjectKey(value), identity.key.identityId);
  if (!isOwn) throw refusal(context, "the value was the subject of another identity");
  return value;
}

// OIDC Core §8.1: the same for applications of one host, and nothing that another host could compare.
async function findPairwise(place: SubjectPlace, context: ApplicationContext, identity: Identity): Promise<string> {
  const sector = sectorOf(context.client.redirectUris);
  if (sector === undefined) throw refusal(context, "a pairwise application has redirect URIs of several hosts");
  const subject = place.random.bytes(PAIRWISE_BYTES).toString("hex");
  return assignPairwiseSubject(place.db, identity.key, { sector, subject });
}

async function findValue(place: SubjectPlace, context: ApplicationContext, identity: Identity): Promise<string> {
  const { identityId } = identity.key;
  switch (context.client.subjectField) {
    case "id":
      return identityId;
    case "email":
      return checkEmail(place, context, identity);
    case "username": {
      const { username } = identity.traits;
      // Somebody's id as another's name: it would be that person's subject elsewhere in the realm.
      const isForeignId = HEX_ID.test(subjectKey(username)) && username !== identityId;
      if (isForeignId) throw refusal(context, "the user name looks like the id of an identity");
      return username;
    }
  }
}

async function checkEmail(place: SubjectPlace, context: ApplicationContext, identity: Identity): Promise<string> {
  const address = identity.traits.primary_email_address;
  if (!address || identity.emailKey === undefined) throw refusal(context, "the identity has no address");
  if (!identity.emailVerified) throw refusal(context, "the address is not verified");
  const holders = await findIdentitiesByEmail(place.db, context.key, identity.emailKey);
  if (holders.length !== 1) throw refusal(context, "the address is not unique in the realm");
  return address;
}

function refusal(context: ApplicationContext, detail: string): OAuthError {
  return new OAuthError("access_denied", detail, { facts: { subject_field: context.client.subjectField } });
}
