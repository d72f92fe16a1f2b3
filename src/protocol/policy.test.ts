import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CREDENTIAL_TYPES,
  evaluatePolicy,
  judgeSession,
  mayLogIn,
  OPEN_POLICY,
  type Policy,
  type PolicyTransaction,
  RULE_ACTIONS,
  TRANSACTION_TYPES,
  VERDICTS,
} from "./policy.ts";

const APPLICATIONS = ["a1", "a2", "a3"];
const GROUPS = ["g1", "g2", "g3"];
const CIDRS = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2001:db8::/32"];
const ADDRESSES = ["10.1.0.1", "10.2.0.1", "11.0.0.1", "200.0.0.1", "2001:db8::1", "::1"];

const some = (words: readonly string[]) => fc.option(fc.subarray([...words]), { nil: undefined });
const anyMatch = fc.record({
  transaction_types: some(TRANSACTION_TYPES),
  application_ids: some(APPLICATIONS),
  group_ids: some(GROUPS),
  credential_types: some(CREDENTIAL_TYPES),
  source_cidrs: some(CIDRS),
});
const anyPolicy: fc.Arbitrary<Policy> = fc.record({
  rules: fc
    .array(fc.record({ match: anyMatch, action: fc.constantFrom(...RULE_ACTIONS) }), { maxLength: 6 })
    .map((rules) => rules.map((rule, index) => ({ id: `r${index}`, ...rule }))),
  default_action: fc.constantFrom(...VERDICTS),
});
const anyTransaction: fc.Arbitrary<PolicyTransaction> = fc.record({
  type: fc.constantFrom(...TRANSACTION_TYPES),
  applicationId: fc.option(fc.constantFrom(...APPLICATIONS), { nil: undefined }),
  groupIds: fc.subarray(GROUPS),
  credentialType: fc.option(fc.constantFrom(...CREDENTIAL_TYPES), { nil: undefined }),
  sourceAddress: fc.option(fc.constantFrom(...ADDRESSES), { nil: undefined }),
});

test("the first rule that matches decides, and the default where none does", () => {
  fc.assert(
    fc.property(anyPolicy, anyTransaction, (policy, transaction) => {
      const { action, ruleId, steps, monitored } = evaluatePolicy(policy, transaction);
      const matching = steps.filter(({ unmet }) => unmet.length === 0).map((step) => step.ruleId);
      const actionOf = (id: string) => policy.rules.find((rule) => rule.id === id)?.action;
      assert.deepEqual(
        steps.map((step) => step.ruleId),
        policy.rules.slice(0, steps.length).map(({ id }) => id),
      );
      assert.deepEqual(
        matching.filter((id) => actionOf(id) === "MONITOR"),
        monitored,
      );
      const deciding = matching.filter((id) => actionOf(id) !== "MONITOR");
      assert.deepEqual(deciding, ruleId === undefined ? [] : [ruleId]);
      assert.equal(action, ruleId === undefined ? policy.default_action : actionOf(ruleId));
      assert.equal(
        steps.length,
        ruleId === undefined ? policy.rules.length : policy.rules.findIndex(({ id }) => id === ruleId) + 1,
      );
    }),
    { numRuns: 500 },
  );
});

test("rules that only watch change no decision", () => {
  fc.assert(
    fc.property(anyPolicy, anyTransaction, (policy, transaction) => {
      const rules = policy.rules.filter(({ action }) => action !== "MONITOR");
      const [watched, plain] = [evaluatePolicy(policy, transaction), evaluatePolicy({ ...policy, rules }, transaction)];
      assert.deepEqual([watched.action, watched.ruleId], [plain.action, plain.ruleId]);
    }),
    { numRuns: 500 },
  );
});

test("who is said to be locked out is refused by every login, and who is not has one that is allowed", () => {
  const visitors = fc.record({ groupIds: fc.subarray(GROUPS), applicationIds: fc.subarray(APPLICATIONS) });
  let lockedOut = 0;
  fc.assert(
    fc.property(anyPolicy, visitors, (policy, visitor) => {
      const applications = visitor.applicationIds.length > 0 ? visitor.applicationIds : [undefined, ...APPLICATIONS];
      const tries = applications.flatMap((applicationId) =>
        CREDENTIAL_TYPES.flatMap((credentialType) =>
          ADDRESSES.map((sourceAddress) => ({ applicationId, credentialType, sourceAddress })),
        ),
      );
      const { groupIds } = visitor;
      const isAllowed = tries.some(
        (one) => evaluatePolicy(policy, { type: "authentication", groupIds, ...one }).action === "ALLOW",
      );
      assert.equal(mayLogIn(policy, visitor), isAllowed);
      if (!isAllowed) lockedOut += 1;
    }),
    { numRuns: 500 },
  );
  assert.ok(lockedOut > 20, "enough of them were locked out for this to say something");
});

test("a rule demands one of each of its lists", () => {
  const rule = { id: "r", match: { group_ids: ["g1"], source_cidrs: ["10.0.0.0/8"] }, action: "DENY" as const };
  const policy: Policy = { ...OPEN_POLICY, rules: [rule] };
  const decide = (groupIds: string[], sourceAddress?: string) =>
    evaluatePolicy(policy, { type: "authentication", groupIds, sourceAddress });
  assert.equal(decide(["g1", "g2"], "10.0.0.1").action, "DENY");
  assert.equal(decide(["g2"], "10.0.0.1").action, "ALLOW");
  assert.deepEqual(decide(["g2"]).steps, [{ ruleId: "r", unmet: ["group_ids", "source_cidrs"] }]);
});

test("a session that the policy denies asks for a login exactly where a credential that can end one would be let in", () => {
  fc.assert(
    fc.property(anyPolicy, anyTransaction, fc.subarray([...CREDENTIAL_TYPES]), (policy, transaction, loginTypes) => {
      const verdict = judgeSession(policy, transaction, loginTypes);
      assert.equal(verdict === "ALLOW", evaluatePolicy(policy, transaction).action === "ALLOW");
      const others = loginTypes.map((credentialType) => evaluatePolicy(policy, { ...transaction, credentialType }));
      const wouldHelp = others.some(({ action }) => action === "ALLOW");
      if (verdict === "LOGIN") assert.ok(wouldHelp);
      if (verdict === "DENY") assert.ok(!wouldHelp);
    }),
  );
});
