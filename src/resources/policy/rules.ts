import type { FieldViolation } from "../../http/management-error.ts";
import { toViolation } from "../../http/schema-error.ts";
import { parseNetwork } from "../../protocol/network.ts";
import { mayLogIn, type Policy, type Visitor } from "../../protocol/policy.ts";
import { refuseRepeats } from "../list-rules.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { PolicyBody } from "./schema.ts";

/** Networks of all rules together: what a lock-out is judged by grows with their square. */
const NETWORKS_MAX = 300;
const NO_NETWORK = "is no IP address or network in CIDR notation";

const read = createBodyReader("policy", PolicyBody);

/** The group whose members may log in to the administration of a new tenant (reference, section 4). */
export const ACCESS_GROUP = { display_name: "Admin Console Access", description: "" } as const;

/**
 * The first policy of an admin realm: members of one group log in, and nobody else (reference, section 4). They enrol credentials, too:
 * who may not could never log in by one.
 */
export function adminPolicy(accessGroupId: string): PolicyBody {
  const group_ids = [accessGroupId];
  const rules = [
    { id: "admin-console-access", match: { transaction_types: ["authentication" as const], group_ids } },
    { id: "admin-console-enrolment", match: { transaction_types: ["registration" as const], group_ids } },
  ];
  return { rules: rules.map((rule) => ({ ...rule, action: "ALLOW" })), default_action: "DENY" };
}

/** A new version of a policy, or what is wrong with it. */
export function createPolicy(body: PolicyBody): Checked<PolicyBody> {
  return refine(read.create({}, body), check);
}

function check({ rules }: PolicyBody): FieldViolation[] {
  const networks = rules.flatMap(({ match }, rule) =>
    (match.source_cidrs ?? []).map((text, place) => ({ text, path: [rule, "match", "source_cidrs", place] })),
  );
  const wrong = networks
    .filter(({ text }) => parseNetwork(text) === undefined)
    .map(({ path }) => toViolation({ path: ["policy", "rules", ...path.map(String)], description: NO_NETWORK }));
  const tooMany =
    networks.length > NETWORKS_MAX
      ? [{ field: "policy.rules", description: `has more than ${NETWORKS_MAX} networks in all` }]
      : [];
  return [
    ...refuseRepeats(
      "policy.rules",
      rules.map(({ id }) => id),
    ),
    ...wrong,
    ...tooMany,
  ];
}

/** Whether a policy lets none of these people in, who can give a realm another one. Nobody is locked out where there is nobody. */
export function locksOut(
  policy: Policy,
  people: readonly (readonly string[])[],
  applicationIds: Visitor["applicationIds"],
): boolean {
  if (people.length === 0) return false;
  const named = new Set(policy.rules.flatMap(({ match }) => match.group_ids ?? []));
  // Who is in the same of the groups that are named is treated alike.
  const kinds = new Map(
    people.map((groupIds) => {
      const relevant = groupIds.filter((id) => named.has(id)).sort();
      return [relevant.join(), relevant] as const;
    }),
  );
  return ![...kinds.values()].some((groupIds) => mayLogIn(policy, { groupIds, applicationIds }));
}
