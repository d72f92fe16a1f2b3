import { credentialTypeOf } from "../../protocol/policy.ts";
import { judgeVisit } from "../policy.ts";
import type { Visit } from "../visit.ts";
import { denyLogin } from "./deny.ts";
import type { StepResult } from "./step.ts";

/**
 * Goes on with a person who is known and has said yes, unless the policy of the realm denies it: a person takes time, and the policy is the
 * one that holds now.
 *
 * @param goOn with facts for its record
 */
export async function whenAllowed(
  visit: Visit,
  goOn: (facts: Readonly<Record<string, unknown>>) => Promise<StepResult>,
): Promise<StepResult> {
  const { identityId, authentication } = visit.stored;
  const credentialType = credentialTypeOf(authentication?.acr);
  const judged = await judgeVisit(visit, { type: "authentication", identityId, credentialType });
  if (judged.action === "DENY") return denyLogin(visit, { identity_id: identityId, ...judged.facts });
  return goOn(judged.facts);
}
