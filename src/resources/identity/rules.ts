import type { FieldViolation } from "../../http/management-error.ts";
import { timesOf } from "../answer-parts.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import type { Identity } from "./queries.ts";
import {
  type EnrollmentStatus,
  type IdentityAnswer,
  type IdentityBody,
  IdentitySettings,
  type Traits,
} from "./schema.ts";

const read = createBodyReader("identity", IdentitySettings);

const DEFAULTS = { status: "active" } as const satisfies IdentityBody;

/** What the realm around an identity says of its user name. */
export interface UsernameSurroundings {
  /** whether it is the `client_id` of an application of the realm (rule 2) */
  readonly isClientId: (username: string) => boolean;
}

/** The settings of a new identity, or what is wrong with them. */
export function createIdentity(body: IdentityBody, surroundings: UsernameSurroundings): Checked<IdentitySettings> {
  const created = read.create(DEFAULTS, body);
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
  return refine(read.update(current, body, DEFAULTS), (settings) => checkUsername(settings, surroundings));
}

/** The traits by which somebody may be found when he logs in (reference 2.3). */
const LOGIN_TRAITS = [
  "username",
  "primary_email_address",
  "secondary_email_address",
  "external_id",
] as const satisfies readonly (keyof Traits)[];

/** Whether a change says who can log in as an identity: rule 1 lets only those make it who could do all that the identity can. */
export function changesLogin(before: IdentitySettings, after: IdentitySettings): boolean {
  if (before.status !== after.status) return true;
  return LOGIN_TRAITS.some((name) => (before.traits[name] ?? "") !== (after.traits[name] ?? ""));
}

// Rule 2: a user name may become a `sub`, and so is a client_id.
function checkUsername({ traits }: IdentitySettings, { isClientId }: UsernameSurroundings): FieldViolation[] {
  if (!isClientId(traits.username)) return [];
  return [{ field: "identity.traits.username", description: "is the client_id of an application of this realm" }];
}

/** What is shown of an identity. */
export type ShownIdentity = Omit<Identity, "usernameKey" | "emailKey" | "emailVerified" | "tokensValidAfter">;

/** An identity as the API shows it. */
export function identityAnswerOf(identity: ShownIdentity): IdentityAnswer {
  const { tenantId, realmId, identityId } = identity.key;
  const { displayName: display_name, status, traits } = identity;
  return { id: identityId, tenant_id: tenantId, realm_id: realmId, display_name, status, traits, ...timesOf(identity) };
}

/** An identity as the API shows it, with how far it is on the way to a passkey. */
export function enrolledAnswerOf(identity: ShownIdentity, enrollment: EnrollmentStatus): IdentityAnswer {
  return { ...identityAnswerOf(identity), enrollment_status: enrollment };
}
