import type { Deps } from "../deps.ts";
import type { HttpRequest } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import {
  type CredentialType,
  evaluatePolicy,
  judgeSession,
  type PolicyDecision,
  type PolicyTransaction,
  type SessionVerdict,
  type TransactionType,
  type Verdict,
} from "../protocol/policy.ts";
import type { DecisionRecorder } from "./decision/recorder.ts";
import { findPolicyFor, type PolicyFor } from "./policy/queries.ts";

/** What judging needs of the world. */
export interface PolicyServices {
  readonly deps: Pick<Deps, "database">;
  readonly decisions: DecisionRecorder;
}

/** What is about to happen: who, by what and from where. */
export interface JudgedTransaction {
  readonly realm: RealmKey;
  readonly type: TransactionType;
  /** undefined: it is about no application, and meets no rule that names some */
  readonly applicationId: string | undefined;
  /** undefined: somebody who is to be made, and is in no group yet */
  readonly identityId: string | undefined;
  readonly credentialType: CredentialType;
  /** the request that it happens in: whence it comes, and under which trace id it is recorded */
  readonly http: Pick<HttpRequest, "traceId" | "remoteAddress">;
  /** the authorization request that it belongs to, if it does to one */
  readonly requestId?: string | undefined;
}

/** A person who is known from a session and uses it. */
export interface JudgedSession extends JudgedTransaction {
  /** by what another login could end here */
  readonly loginTypes: readonly CredentialType[];
}

/** What a realm's policy says, and what a decision tells of it. */
export interface Judgement<Action = Verdict> {
  readonly action: Action;
  /** for the decision about what was judged; all of the evaluation is in one of its own */
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * Judges by the policy of the realm that holds at this moment (reference 3.1: at the end of every binding and every authentication),
 * and records how: a `PolicyEvaluation` with every rule that was looked at. A realm that nobody gave a policy allows, and records nothing.
 */
export async function judgeByPolicy(services: PolicyServices, judged: JudgedTransaction): Promise<Judgement> {
  const { found, transaction } = await readTransaction(services, judged);
  const { action, facts } = evaluate(services, judged, { found, transaction });
  return { action, facts };
}

/** Judges, and records likewise, a person who is known from a session and uses it for an application. */
export async function judgeSessionByPolicy(
  services: PolicyServices,
  judged: JudgedSession,
): Promise<Judgement<SessionVerdict>> {
  const { found, transaction } = await readTransaction(services, judged);
  const { facts } = evaluate(services, judged, { found, transaction });
  return { action: judgeSession(found.policy, transaction, judged.loginTypes), facts };
}

interface Evaluated {
  readonly found: PolicyFor;
  readonly transaction: PolicyTransaction;
}

async function readTransaction({ deps }: PolicyServices, judged: JudgedTransaction): Promise<Evaluated> {
  const { realm, type, applicationId, credentialType, identityId, http } = judged;
  const found = await findPolicyFor(deps.database.tenants([realm.tenantId]), realm, identityId);
  const { groupIds } = found;
  return { found, transaction: { type, applicationId, groupIds, credentialType, sourceAddress: http.remoteAddress } };
}

function evaluate(services: PolicyServices, judged: JudgedTransaction, { found, transaction }: Evaluated): Judgement {
  const { version, policy } = found;
  const decision = evaluatePolicy(policy, transaction);
  if (version === 0) return { action: decision.action, facts: {} };
  const { realm, type, applicationId, credentialType, identityId, http, requestId } = judged;
  services.decisions.record({
    ...realm,
    applicationId,
    traceId: http.traceId,
    kind: "policy",
    outcome: decision.action,
    facts: {
      request_id: requestId,
      identity_id: identityId,
      type,
      credential_type: credentialType,
      ...describe(version, decision),
      steps: decision.steps.map(({ ruleId, unmet }) => ({ rule_id: ruleId, unmet })),
    },
  });
  return { action: decision.action, facts: describe(version, decision) };
}

// No rule: the default decided.
function describe(version: number, { ruleId, monitored }: PolicyDecision): Readonly<Record<string, unknown>> {
  return { policy_version: version, rule_id: ruleId, monitored: monitored.length === 0 ? undefined : monitored };
}
