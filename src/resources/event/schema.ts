// The kinds of events and what each may say of itself (reference, section 4).

/** What may be done to a resource. */
export const EVENT_ACTIONS = ["CREATE", "READ", "UPDATE", "DELETE"] as const;
/** Who may do something: an operator acts with a credential of the server itself, and nobody is known of an anonymous one. */
export const ACTOR_TYPES = ["Identity", "Application", "Operator", "Anonymous"] as const;

/** What was done to a resource. */
export type EventAction = (typeof EVENT_ACTIONS)[number];

/** What one type of events says besides who, when and about what. */
export interface EventDescription {
  readonly actions: readonly EventAction[];
  readonly outcomes: readonly string[];
}

const CHANGED = { actions: ["CREATE", "UPDATE", "DELETE"], outcomes: [] } as const;
const OPERATED = { actions: EVENT_ACTIONS, outcomes: [] } as const;
const PLAIN = { actions: [], outcomes: [] } as const;

/** Every type of event. */
export const EVENT_TYPES = {
  AuthorizeRequest: { actions: [], outcomes: ["ACCEPTED", "ERROR"] },
  AuthenticationTransaction: {
    actions: [],
    outcomes: ["START", "SUSPEND", "RESUME", "COMPLETE:DENY", "COMPLETE:ALLOW", "ERROR"],
  },
  PolicyEvaluation: { actions: [], outcomes: ["ALLOW", "DENY"] },
  CredentialChange: CHANGED,
  UserinfoRead: PLAIN,
  TransactionOperation: OPERATED,
  PgwTransactionOperation: OPERATED,
  TokenOperation: OPERATED,
  GrantOperation: OPERATED,
  SessionOperation: OPERATED,
  TokenRequest: { actions: [], outcomes: ["ACCEPTED", "ERROR"] },
  ApplicationOperation: OPERATED,
  AuthenticatorConfigOperation: OPERATED,
  ResourceServerOperation: OPERATED,
  RoleOperation: OPERATED,
  RoleMembershipOperation: OPERATED,
  RoleScopesOperation: OPERATED,
  V1TenantChange: CHANGED,
  V1RealmChange: CHANGED,
  V1GroupChange: CHANGED,
  IdentityChange: CHANGED,
  V1GroupMembershipChange: CHANGED,
  CredentialBindingJobChange: CHANGED,
  EmailStatusChange: CHANGED,
  BrandingThemeConfigurationChange: CHANGED,
  CredentialBindingEmailTemplateConfigurationChange: CHANGED,
  OtpEmailTemplateConfigurationChange: CHANGED,
} as const satisfies Readonly<Record<string, EventDescription>>;

/** The name of a type of events. */
export type EventType = keyof typeof EVENT_TYPES;
