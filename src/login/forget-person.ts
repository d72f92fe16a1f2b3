import {
  type AuthorizationRequest,
  forgetAuthorizationRequestPerson,
} from "../resources/authorization-request/queries.ts";
import { newChallenge } from "../resources/authorization-request/rules.ts";
import type { Visit } from "./visit.ts";

/** It is to be somebody else than the person who is known: who, is asked anew. Undefined: nobody was known, or it is over. */
export function forgetPerson({ stored, services, now }: Visit): Promise<AuthorizationRequest | undefined> {
  const { database, random } = services.deps;
  const next = { nextChallenge: newChallenge(random), now };
  return forgetAuthorizationRequestPerson(database.tenants([stored.tenantId]), stored, next);
}
