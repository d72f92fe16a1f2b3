import type { FieldViolation } from "../../http/management-error.ts";
import type { SessionPolicy } from "../../protocol/client-metadata.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type RealmBody, RealmSettings } from "./schema.ts";

const read = createBodyReader("realm", RealmSettings);

/** What a realm is when nobody says otherwise. */
export const REALM_DEFAULTS = {
  classification: "SECURE_CUSTOMER",
  auto_provision: false,
  token_policy: {},
  session_policy: { idle: 28_800, absolute: 86_400 },
} as const satisfies RealmBody;

/** How long sessions last in a realm. */
export function sessionPolicyOf({ session_policy }: RealmSettings): SessionPolicy {
  return { idleSeconds: session_policy.idle, absoluteSeconds: session_policy.absolute };
}

/** What a realm is besides its settings. */
export interface RealmStanding {
  readonly isAdmin: boolean;
}

/** The settings of a new realm, or what is wrong with them. */
export function createRealm(body: RealmBody, standing: RealmStanding): Checked<RealmSettings> {
  return refine(read.create(REALM_DEFAULTS, body), (settings) => check(settings, standing));
}

/** The settings of a realm after a change, or what is wrong with them. Its classification never changes (reference 2.3). */
export function updateRealm(current: RealmSettings, body: RealmBody, standing: RealmStanding): Checked<RealmSettings> {
  const changed = read.update(current, { ...body, classification: current.classification }, REALM_DEFAULTS);
  return refine(changed, (settings) => check(settings, standing));
}

function check(settings: RealmSettings, standing: RealmStanding): FieldViolation[] {
  const { token_policy, session_policy } = settings;
  const violations: FieldViolation[] = [];
  // Rule 35: nobody enrols himself as an administrator.
  if (standing.isAdmin && settings.auto_provision) {
    violations.push({ field: "realm.auto_provision", description: "must be false in the admin realm" });
  }
  const { min_expires_after: floor = 1, max_expires_after: ceiling = Number.POSITIVE_INFINITY } = token_policy;
  if (floor > ceiling) {
    violations.push({ field: "realm.token_policy.min_expires_after", description: "is above max_expires_after" });
  }
  if (session_policy.idle > session_policy.absolute) {
    violations.push({ field: "realm.session_policy.idle", description: "is above absolute" });
  }
  return violations;
}
