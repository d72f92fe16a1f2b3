import { demandScopes } from "../../http/caller.ts";
import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { fieldViolations, ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { formatInstant } from "../../platform/clock.ts";
import { parseAddress } from "../../protocol/network.ts";
import { evaluatePolicy, type PolicyTransaction } from "../../protocol/policy.ts";
import { type Call, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandPowerOver } from "../demand-power.ts";
import { demandVersion } from "../etag.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, type WriteCall } from "../operations.ts";
import {
  countPolicies,
  findActivePolicy,
  findPolicy,
  insertPolicy,
  listAdministratorGroups,
  listConsoleIds,
  listGroupIdsOf,
  listPolicies,
  listPowerRoleIds,
  type PolicyVersion,
  policyIdOf,
} from "./queries.ts";
import { createPolicy, locksOut } from "./rules.ts";
import { EvaluationAnswer, EvaluationBody, PolicyAnswer, PolicyBody } from "./schema.ts";

const POLICY = "/v1/tenants/{tenant}/realms/{realm}/policy-v1";
const TAG = "Policy";
const VERSION = /^[1-9][0-9]{0,8}$/;
const READ_ONLY = ["version", "tenant_id", "realm_id", "create_time"];

/** The operations of a realm's policy: of our own making (reference, section 4 and gap 62). */
export const POLICY_OPERATIONS = [
  creates(
    {
      name: "CreatePolicy",
      method: "POST",
      path: POLICY,
      tag: TAG,
      summary: "Makes a version of the realm's policy, which holds from now on.",
      scopes: ["policy-v1:create"],
      body: wrapped("policy", PolicyBody, READ_ONLY),
      answer: PolicyAnswer,
      refusals: ["conflict"],
      isCreate: true,
      isVersioned: true,
      event: { type: "V1RealmChange", action: "UPDATE", resource: "Policy" },
      changesRealm: true,
    },
    async (call) => {
      const { db, nowMs, request } = call;
      const realm = realmOf(call);
      const policy = demandValid(createPolicy(call.body.policy));
      const active = await findActivePolicy(db, realm);
      demandVersion(request, active.version);
      await demandPower(call);
      await demandNoLockOut(call, policy);
      const made = { realm, version: active.version + 1, policy, createdAtMs: nowMs };
      await insertPolicy(db, realm, made, nowMs);
      const about = { id: String(made.version), facts: { version: made.version } };
      return { value: answerOf(made), version: made.version, about };
    },
    { parameter: "policy_version", show: showVersion },
  ),
  reads(
    {
      name: "GetPolicy",
      method: "GET",
      path: POLICY,
      tag: TAG,
      summary: "Shows the policy of the realm that holds now.",
      scopes: ["policy-v1:read"],
      answer: PolicyAnswer,
      isVersioned: true,
    },
    async (call) => {
      const active = await findActivePolicy(call.db, realmOf(call));
      return { value: answerOf(active), version: active.version };
    },
  ),
  lists(
    {
      name: "ListPolicyVersions",
      path: `${POLICY}/versions`,
      tag: TAG,
      summary: "Lists all versions of the realm's policy, the first one first.",
      scopes: ["policy-v1:read"],
      plural: "policies",
      item: PolicyAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
    },
    (call) => ({
      page: (page) => listPolicies(call.db, realmOf(call), page),
      count: () => countPolicies(call.db, realmOf(call)),
      idOf: ({ version }) => policyIdOf(version),
      show: answerOf,
    }),
  ),
  reads(
    {
      name: "GetPolicyVersion",
      method: "GET",
      path: `${POLICY}/versions/{policy_version}`,
      tag: TAG,
      summary: "Shows one version of the realm's policy.",
      scopes: ["policy-v1:read"],
      answer: PolicyAnswer,
      isVersioned: true,
    },
    showVersion,
  ),
  reads(
    {
      name: "EvaluatePolicy",
      method: "POST",
      path: `${POLICY}:evaluate`,
      tag: TAG,
      summary:
        "Says what the policy, or one that is sent, would decide about a transaction, and why; nothing is changed.",
      scopes: ["policy-v1:read"],
      body: EvaluationBody,
      answer: EvaluationAnswer,
    },
    async (call) => {
      const sent = call.body.policy;
      const transaction = await readTransaction(call);
      if (sent !== undefined) return { value: explain(demandValid(createPolicy(sent)), transaction) };
      const { policy, version } = await findActivePolicy(call.db, realmOf(call));
      return { value: { version, ...explain(policy, transaction) } };
    },
  ),
] as const;

async function showVersion(call: Call<unknown, unknown>): Promise<{ value: PolicyAnswer; version: number }> {
  const { policy_version: asked = "" } = call.request.parameters;
  const found = VERSION.test(asked) ? await findPolicy(call.db, realmOf(call), Number(asked)) : undefined;
  if (found === undefined) throw notFound("Policy", asked);
  return { value: answerOf(found), version: found.version };
}

// Rule 1: a policy says who may come to the power that the realm's roles give.
async function demandPower(call: WriteCall<unknown, unknown>): Promise<void> {
  const realm = realmOf(call);
  await demandPowerOver(call, realm, { roleIds: await listPowerRoleIds(call.db, realm) });
}

async function demandNoLockOut(call: WriteCall<unknown, unknown>, policy: PolicyBody): Promise<void> {
  const realm = realmOf(call);
  const people = await listAdministratorGroups(call.db, realm);
  if (people.length === 0 || !locksOut(policy, people, await listConsoleIds(call.db, realm))) return;
  throw new ManagementError("conflict", "this policy would let no Super Administrator log in");
}

async function readTransaction(call: Call<unknown, EvaluationBody>): Promise<PolicyTransaction> {
  const { type, application_id, identity_id, group_ids = [], credential_type, source_address } = call.body.transaction;
  if (source_address !== undefined && parseAddress(source_address) === undefined) {
    throw fieldViolations([{ field: "transaction.source_address", description: "is no IP address" }]);
  }
  const own = identity_id === undefined ? [] : await readGroups(call, identity_id);
  return {
    type,
    applicationId: application_id,
    groupIds: [...own, ...group_ids],
    credentialType: credential_type,
    sourceAddress: source_address,
  };
}

// The answer tells which groups a person is in, where rules name them.
async function readGroups(call: Call<unknown, unknown>, identityId: string): Promise<readonly string[]> {
  demandScopes(call.caller, ["identities:read", "groups:read"]);
  const groupIds = await listGroupIdsOf(call.db, realmOf(call), identityId);
  if (groupIds === undefined) throw notFound("Identity", identityId);
  return groupIds;
}

function explain(policy: PolicyBody, transaction: PolicyTransaction): EvaluationAnswer {
  const { action, ruleId, monitored, steps } = evaluatePolicy(policy, transaction);
  return {
    action,
    ...(ruleId === undefined ? {} : { rule_id: ruleId }),
    monitored: [...monitored],
    steps: steps.map((step) => ({ rule_id: step.ruleId, matches: step.unmet.length === 0, unmet: [...step.unmet] })),
  };
}

function answerOf({ realm, version, policy, createdAtMs }: PolicyVersion): PolicyAnswer {
  const place = { tenant_id: realm.tenantId, realm_id: realm.realmId };
  const times = createdAtMs === undefined ? {} : { create_time: formatInstant(createdAtMs) };
  return { version, ...place, ...policy, ...times };
}
