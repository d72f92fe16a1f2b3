import {
  type AuthorizationRequest,
  forgetAuthorizationRequestPerson,
} from "../resources/authorization-request/queries.ts";
import { newChallenge } from "../resources/authorization-request/rules.ts";
import type { EarlierYes } from "../resources/authorization-request/schema.ts";
import type { Visit } from "./visit.ts";

/**
 * Who it is, is asked anew: it is to be somebody else than the person who is known, or that person is to log in again, whose yes is kept.
 * Undefined: nobody was known, or it is over.
 */
export function forgetPerson(
  { stored, services, now }: Visit,
  earlierYes?: EarlierYes,
): Promise<AuthorizationRequest | undefined> {
  const { database, random } = services.deps;
  const next = { challenge: newChallenge(random), earlierYes, now };
  return forgetAuthorizationRequestPerson(database.tenants([stored.tenantId]), stored, next);
}
