import type { Person } from "../protocol/claims.ts";
import type { GrantFacts } from "../resources/grant/queries.ts";

/** The person behind a grant, as claims are taken from. Phone numbers are never verified here: nothing checks them. */
export function personOf(identity: NonNullable<GrantFacts["identity"]>): Person {
  const { traits } = identity;
  return {
    displayName: identity.displayName,
    traits: typeof traits === "object" && traits !== null ? { ...traits } : {},
    emailVerified: identity.emailVerified,
    phoneVerified: false,
    updatedAt: Math.floor(identity.updatedAtMs / 1000),
  };
}
