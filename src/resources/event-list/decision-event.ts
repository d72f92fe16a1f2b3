// Refusals and logins are recorded as decisions, once. The list of events shows each as the event that it is: this table says as which.

import type { DecisionKind } from "../decision/queries.ts";
import type { EventAction, EventType } from "../event/schema.ts";

/** Which decisions are what event. The first entry that fits a decision is it. */
export interface DecisionEvent {
  readonly kind: Exclude<DecisionKind, "dropped">;
  /** outcomes of the decision; all, if absent */
  readonly decided?: readonly string[];
  /** members that its facts must have */
  readonly facts?: readonly string[];
  readonly type: EventType;
  readonly action?: EventAction;
  readonly outcome?: string;
  /** who is known to have done it: the application, or the person of the decision; nobody, if absent */
  readonly actor?: "Application" | "Identity";
}

const TOKEN = { kind: "token", type: "TokenRequest", outcome: "ERROR" } as const;
const AUTHORIZE = { kind: "authorize", type: "AuthenticationTransaction", actor: "Identity" } as const;
const LOGIN = { kind: "login", type: "AuthenticationTransaction" } as const;
const INTROSPECT = { kind: "introspect", type: "TokenOperation", action: "READ" } as const;
const POLICY = { kind: "policy", type: "PolicyEvaluation" } as const;
const MANAGEMENT = { kind: "management", type: "TokenOperation", action: "READ", outcome: "ERROR" } as const;
const SHORTENED = { kind: "shorten", decided: ["shortened"], action: "UPDATE" } as const;
const REVOKED = { kind: "revoke", decided: ["revoked"], action: "DELETE" } as const;

/** By decision; what was dropped under overload is shown as what it would have been. */
export const DECISION_EVENTS: readonly DecisionEvent[] = [
  // Rule 5: what is refused so, is so after the client has proved who it is.
  { ...TOKEN, decided: ["invalid_grant", "invalid_scope", "unauthorized_client"], actor: "Application" },
  TOKEN,
  { kind: "authorize", decided: ["accepted"], type: "AuthorizeRequest", outcome: "ACCEPTED" },
  { ...AUTHORIZE, decided: ["granted"], outcome: "COMPLETE:ALLOW" },
  // A login had begun, and ended without a code.
  { ...AUTHORIZE, facts: ["request_id"], outcome: "COMPLETE:DENY" },
  { kind: "authorize", type: "AuthorizeRequest", outcome: "ERROR" },
  { ...LOGIN, decided: ["code_sent", "code_not_sent"], outcome: "SUSPEND" },
  { ...LOGIN, decided: ["logged_in", "confirmed", "consented"], outcome: "RESUME", actor: "Identity" },
  // A login to the account page is over with a session, and without a code.
  { ...LOGIN, decided: ["account_opened"], outcome: "COMPLETE:ALLOW", actor: "Identity" },
  { ...LOGIN, decided: ["cancelled"], outcome: "COMPLETE:DENY" },
  { ...LOGIN, decided: ["denied"], facts: ["identity_id"], outcome: "COMPLETE:DENY", actor: "Identity" },
  { ...LOGIN, decided: ["denied"], outcome: "COMPLETE:DENY" },
  { ...LOGIN, outcome: "ERROR" },
  { kind: "logout", type: "SessionOperation", action: "DELETE", actor: "Identity" },
  { ...INTROSPECT, decided: ["inactive"], facts: ["identity_id"], outcome: "INACTIVE", actor: "Identity" },
  { ...INTROSPECT, decided: ["inactive"], outcome: "INACTIVE", actor: "Application" },
  ...refusalsOf({ ...INTROSPECT, outcome: "ERROR" }),
  ...endsOf(REVOKED),
  { ...REVOKED, decided: ["withdrawn"], type: "GrantOperation", actor: "Identity" },
  ...refusalsOf({ kind: "revoke", type: "TokenOperation", action: "DELETE", outcome: "ERROR" }),
  ...endsOf(SHORTENED),
  ...refusalsOf({ kind: "shorten", type: "TokenOperation", action: "UPDATE", outcome: "ERROR" }),
  ...refusalsOf({ kind: "preview", type: "TokenOperation", action: "READ", outcome: "ERROR" }),
  { kind: "userinfo", type: "UserinfoRead", outcome: "ERROR" },
  // Of somebody who is to be made nobody is known yet.
  { ...POLICY, decided: ["ALLOW"], facts: ["identity_id"], outcome: "ALLOW", actor: "Identity" },
  { ...POLICY, decided: ["ALLOW"], outcome: "ALLOW" },
  { ...POLICY, facts: ["identity_id"], outcome: "DENY", actor: "Identity" },
  { ...POLICY, outcome: "DENY" },
  // None of the types is about the use of the management API; what was refused there was a token.
  { ...MANAGEMENT, decided: ["unauthorized"] },
  { ...MANAGEMENT, facts: ["identity_id"], actor: "Identity" },
  { ...MANAGEMENT, actor: "Application" },
];

// Who is named did it: the person whose token asked, else that token's application, else the application of the decision.
function endsOf(ended: Omit<DecisionEvent, "type">): DecisionEvent[] {
  const ofGrant = { ...ended, type: "GrantOperation" } as const;
  const ofToken = { ...ended, type: "TokenOperation" } as const;
  return [
    { ...ofGrant, facts: ["grant_id", "identity_id"], actor: "Identity" },
    { ...ofGrant, facts: ["grant_id"], actor: "Application" },
    { ...ofToken, facts: ["identity_id"], actor: "Identity" },
    { ...ofToken, actor: "Application" },
  ];
}

// Who was refused is known where a bearer token was a good one, but not good enough.
function refusalsOf(refusal: DecisionEvent): DecisionEvent[] {
  return [
    { ...refusal, facts: ["identity_id"], actor: "Identity" },
    { ...refusal, facts: ["application_id"], actor: "Application" },
    refusal,
  ];
}
