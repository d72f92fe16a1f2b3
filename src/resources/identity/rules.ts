import type { FieldViolation } from "../../http/management-error.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type IdentityBody, IdentitySettings } from "./schema.ts";

const read = createBodyReader("identity", IdentitySettings);

/** What the realm around an identity says of its user name. */
export interface UsernameSurroundings {
  /** whether it is the `client_id` of an application of the realm (rule 2) */
  readonly isClientId: (username: string) => boolean;
}

/** The settings of a new identity, or what is wrong with them. */
export function createIdentity(body: IdentityBody, surroundings: UsernameSurroundings): Checked<IdentitySettings> {
  const created = read.create({ status: "active" }, body);
  return refine(created, (settings) => checkUsername(settings, surroundings));
}

/** The settings of an identity after a change, or what is wrong with them. Traits are written with their type (reference 2.1). */
export function updateIdentity(
  current: IdentitySettings,
  body: IdentityBody,
  surroundings: UsernameSurroundings,
): Checked<IdentitySettings> {
  if (body.traits && body.traits.type === undefined) {
    return { ok: false, violations: [{ field: "identity.traits.type", description: "missing" }] };
  }
  return refine(read.update(current, body), (settings) => checkUsername(settings, surroundings));
}

// Rule 2: a user name may become a `sub`, and so is a client_id.
function checkUsername({ traits }: IdentitySettings, { isClientId }: UsernameSurroundings): FieldViolation[] {
  if (!isClientId(traits.username)) return [];
  return [{ field: "identity.traits.username", description: "is the client_id of an application of this realm" }];
}
