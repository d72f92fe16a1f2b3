// The policy of a realm (reference, section 4): who may log in and enrol credentials, by which means and from where.

import { ACR } from "./acr.ts";
import { type Address, isWithin, listRepresentatives, type Network, parseAddress, parseNetwork } from "./network.ts";

export const TRANSACTION_TYPES = ["authentication", "registration"] as const;
export const CREDENTIAL_TYPES = ["webauthn_passkey", "software_passkey", "email_one_time_password", "fido2"] as const;
export const RULE_ACTIONS = ["ALLOW", "DENY", "MONITOR"] as const;
export const VERDICTS = ["ALLOW", "DENY"] as const;

export type TransactionType = (typeof TRANSACTION_TYPES)[number];
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];
export type RuleAction = (typeof RULE_ACTIONS)[number];
export type Verdict = (typeof VERDICTS)[number];

/** What a rule demands of a transaction: one of each list. What is absent or empty demands nothing. */
export interface PolicyMatch {
  readonly transaction_types?: readonly string[] | undefined;
  readonly application_ids?: readonly string[] | undefined;
  readonly group_ids?: readonly string[] | undefined;
  readonly credential_types?: readonly string[] | undefined;
  readonly source_cidrs?: readonly string[] | undefined;
}

export interface PolicyRule {
  readonly id: string;
  readonly match: PolicyMatch;
  /** `MONITOR` notes that the rule matched, and decides nothing */
  readonly action: RuleAction;
}

/** Rules in their order, and what holds where none of them decides. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
  readonly default_action: Verdict;
}

/** The policy of a realm that nobody gave one. */
export const OPEN_POLICY: Policy = { rules: [], default_action: "ALLOW" };

/** What is about to happen. What is not known meets no rule that demands it. */
export interface PolicyTransaction {
  readonly type: TransactionType;
  readonly applicationId?: string | undefined;
  /** the groups that the person is in */
  readonly groupIds: readonly string[];
  readonly credentialType?: string | undefined;
  /** an IP address */
  readonly sourceAddress?: string | undefined;
}

/** How one rule looked at a transaction. */
export interface PolicyStep {
  readonly ruleId: string;
  /** the members of its `match` that were not met: none means that the rule matched */
  readonly unmet: readonly (keyof PolicyMatch)[];
}

/** What a policy says, and why. */
export interface PolicyDecision {
  readonly action: Verdict;
  /** the rule that decided; undefined: the default did */
  readonly ruleId: string | undefined;
  /** rules that matched and only watch */
  readonly monitored: readonly string[];
  /** every rule that was looked at, in order; the last may be the one that decided */
  readonly steps: readonly PolicyStep[];
}

/** Decides a transaction: the first rule that matches and does not only watch. */
export function evaluatePolicy(policy: Policy, transaction: PolicyTransaction): PolicyDecision {
  const { sourceAddress } = transaction;
  const address = sourceAddress === undefined ? undefined : parseAddress(sourceAddress);
  const steps: PolicyStep[] = [];
  const monitored: string[] = [];
  for (const { id, match, action } of policy.rules) {
    const unmet = listUnmet(match, transaction, (cidrs) => isFrom(address, cidrs));
    steps.push({ ruleId: id, unmet });
    if (unmet.length > 0) continue;
    if (action !== "MONITOR") return { action, ruleId: id, monitored, steps };
    monitored.push(id);
  }
  return { action: policy.default_action, ruleId: undefined, monitored, steps };
}

/** What a policy says of a session: `LOGIN`, when it would let its person in after another kind of login. */
export type SessionVerdict = Verdict | "LOGIN";

/**
 * What a policy says of a person who is known from a session, and of how that came about.
 *
 * @param loginTypes by what another login could end: one that cannot come about helps nobody
 */
export function judgeSession(
  policy: Policy,
  transaction: PolicyTransaction,
  loginTypes: readonly CredentialType[],
): SessionVerdict {
  if (evaluatePolicy(policy, transaction).action === "ALLOW") return "ALLOW";
  const wouldHelp = loginTypes.some(
    (credentialType) => evaluatePolicy(policy, { ...transaction, credentialType }).action === "ALLOW",
  );
  return wouldHelp ? "LOGIN" : "DENY";
}

/** The credential by which somebody was authenticated whose login reached this class (rule 32). */
export function credentialTypeOf(acr: string | undefined): CredentialType {
  if (acr === ACR.code) return "email_one_time_password";
  return acr === ACR.verifiedPasskey ? "webauthn_passkey" : "fido2";
}

function listUnmet(
  match: PolicyMatch,
  { type, applicationId, groupIds, credentialType }: PolicyTransaction,
  isMetBySource: (cidrs: readonly string[]) => boolean,
): (keyof PolicyMatch)[] {
  const { transaction_types, application_ids, group_ids, credential_types, source_cidrs } = match;
  const names = (list: readonly string[] | undefined, value: string | undefined): boolean =>
    demandsNothing(list) || (value !== undefined && list.includes(value));
  const met: Readonly<Record<keyof PolicyMatch, boolean>> = {
    transaction_types: names(transaction_types, type),
    application_ids: names(application_ids, applicationId),
    group_ids: demandsNothing(group_ids) || groupIds.some((id) => group_ids.includes(id)),
    credential_types: names(credential_types, credentialType),
    source_cidrs: demandsNothing(source_cidrs) || isMetBySource(source_cidrs),
  };
  const keys: (keyof PolicyMatch)[] = [
    ...(["transaction_types", "application_ids", "group_ids", "credential_types", "source_cidrs"] as const),
  ];
  return keys.filter((key) => !met[key]);
}

function demandsNothing(list: readonly string[] | undefined): list is undefined {
  return list === undefined || list.length === 0;
}

function isFrom(address: Address | undefined, cidrs: readonly string[]): boolean {
  if (address === undefined) return false;
  return cidrs.map(parseNetwork).some((network) => network !== undefined && isWithin(address, network));
}

/** Somebody, and the applications that he could log in to. */
export interface Visitor {
  readonly groupIds: readonly string[];
  /** none: any, even one that does not exist yet */
  readonly applicationIds: readonly string[];
}

/**
 * Whether somebody could log in at all: to any of the applications, by any credential, from any address. Exact: every combination that
 * the rules tell apart is tried.
 */
export function mayLogIn(policy: Policy, { groupIds, applicationIds }: Visitor): boolean {
  const networks = policy.rules.map(({ match }) =>
    (match.source_cidrs ?? []).flatMap((cidr) => parseNetwork(cidr) ?? []),
  );
  const applications = applicationIds.length > 0 ? applicationIds : [undefined, ...namedApplications(policy)];
  // Of addresses that the same rules match, one is enough.
  const places = new Set(
    listRepresentatives(networks.flat()).map((address) => networks.map((list) => isAmong(address, list)).join()),
  );
  for (const place of places) {
    const isFromThere = place.split(",").map((word) => word === "true");
    for (const applicationId of applications) {
      for (const credentialType of CREDENTIAL_TYPES) {
        const transaction = { type: "authentication", applicationId, groupIds, credentialType } as const;
        if (judge(policy, transaction, isFromThere) === "ALLOW") return true;
      }
    }
  }
  return false;
}

function judge(policy: Policy, transaction: PolicyTransaction, isFromThere: readonly boolean[]): Verdict {
  for (const [index, { match, action }] of policy.rules.entries()) {
    if (action === "MONITOR") continue;
    if (listUnmet(match, transaction, () => isFromThere[index] === true).length === 0) return action;
  }
  return policy.default_action;
}

function isAmong(address: Address, networks: readonly Network[]): boolean {
  return networks.some((network) => isWithin(address, network));
}

function namedApplications({ rules }: Policy): readonly string[] {
  return [...new Set(rules.flatMap(({ match }) => match.application_ids ?? []))];
}
