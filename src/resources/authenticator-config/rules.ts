import type { FieldViolation } from "../../http/management-error.ts";
import { isNetwork } from "../../platform/addresses.ts";
import { checkRegisteredRedirectUri } from "../../protocol/redirect-uri.ts";
import { refuseOthers, refuseRepeats } from "../list-rules.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type AuthenticatorConfigBody, AuthenticatorConfigSettings, type AuthenticatorSettings } from "./schema.ts";

type AuthenticatorType = AuthenticatorSettings["type"];
type Member = Exclude<keyof AuthenticatorSettings, "type">;

const read = createBodyReader("authenticator_config", AuthenticatorConfigSettings);
const CONFIG = "authenticator_config.config";
/** Where who may roam is named. */
export const ROAMING = `${CONFIG}.roaming_auth_config`;

// Reference 2.3: what each type must have, and what else it may have.
const MEMBERS: Readonly<Record<AuthenticatorType, { required: readonly Member[]; optional: readonly Member[] }>> = {
  hosted_web: { required: ["authentication_methods", "trusted_origins"], optional: [] },
  embedded: {
    required: ["invoke_url", "trusted_origins", "invocation_type", "authentication_methods"],
    optional: [],
  },
  console: { required: ["onboarding_configuration"], optional: ["authentication_methods", "trusted_origins"] },
  platform: { required: [], optional: ["trusted_origins", "roaming_auth_config"] },
};

// Reference 6 #58, and what reference 2.3 calls the default.
const DEFAULTS: Readonly<Partial<Record<AuthenticatorType, Partial<AuthenticatorSettings>>>> = {
  hosted_web: {
    authentication_methods: [
      { type: "email_one_time_password" },
      { type: "webauthn_passkey" },
      { type: "software_passkey" },
    ],
    trusted_origins: [],
  },
  embedded: { invocation_type: "automatic", authentication_methods: [] },
};

/** The realm that an authenticator config is in. */
export interface AuthenticatorConfigSurroundings {
  readonly isAdmin: boolean;
}

/** The settings of a new authenticator config, or what is wrong with them. */
export function createAuthenticatorConfig(
  body: AuthenticatorConfigBody,
  { isAdmin }: AuthenticatorConfigSurroundings,
): Checked<AuthenticatorConfigSettings> {
  // Reference 6 #54: consoles are applications of the admin realm, and no other realm lists their configs.
  if (body.config?.type === "console" && !isAdmin) {
    return { ok: false, violations: [{ field: `${CONFIG}.type`, description: "console is for the admin realm" }] };
  }
  const created = read.create({ config: defaultsOf(body.config?.type) }, body);
  return refine(created, ({ config }) => check(config));
}

function defaultsOf(type: AuthenticatorType | null | undefined): Partial<AuthenticatorSettings> {
  return (type && DEFAULTS[type]) ?? {};
}

/** The settings of an authenticator config after a change, or what is wrong with them. Its type never changes. */
export function updateAuthenticatorConfig(
  current: AuthenticatorConfigSettings,
  body: AuthenticatorConfigBody,
): Checked<AuthenticatorConfigSettings> {
  if (body.config === null) return { ok: false, violations: [{ field: CONFIG, description: "missing" }] };
  const { type } = current.config;
  const changed = read.update(current, { ...body, config: { ...body.config, type } }, { config: defaultsOf(type) });
  return refine(changed, (settings) => check(settings.config));
}

function check(config: AuthenticatorSettings): FieldViolation[] {
  const { required, optional } = MEMBERS[config.type];
  const allowed = new Set<string>(["type", ...required, ...optional]);
  const missing = required.filter((name) => config[name] === undefined);
  const foreign = Object.keys(config).filter((name) => !allowed.has(name));
  return [
    ...missing.map((name) => ({ field: `${CONFIG}.${name}`, description: "missing" })),
    ...foreign.map((name) => ({ field: `${CONFIG}.${name}`, description: `is not for type ${config.type}` })),
    ...checkInvokeUrl(config.invoke_url),
    ...checkOrigins(config.trusted_origins ?? []),
    ...checkOnboarding(config.onboarding_configuration?.verification_method),
    ...checkRoaming(config.roaming_auth_config),
  ];
}

// Rule 22: a browser follows it; public applications may have a private-use scheme.
function checkInvokeUrl(url: string | undefined): FieldViolation[] {
  const reason = url === undefined ? undefined : checkRegisteredRedirectUri(url, "public");
  return reason === undefined ? [] : [{ field: `${CONFIG}.invoke_url`, description: reason }];
}

function checkOrigins(origins: readonly string[]): FieldViolation[] {
  const field = `${CONFIG}.trusted_origins`;
  const refused = origins.flatMap((origin, index) => {
    const reason = checkRegisteredRedirectUri(origin, "confidential");
    if (reason !== undefined) return [{ field, description: `element ${index} ${reason}` }];
    const isOrigin = URL.parse(origin)?.origin === origin;
    return isOrigin ? [] : [{ field, description: `element ${index} must be scheme://host[:port] in its plain form` }];
  });
  return [...refused, ...refuseRepeats(field, origins)];
}

// Who is named there is, the routes and the file see to.
function checkRoaming(roaming: AuthenticatorSettings["roaming_auth_config"]): FieldViolation[] {
  const lists = {
    allowed_source_ips: roaming?.allowed_source_ips ?? [],
    allowed_user_group_ids: roaming?.allowed_user_group_ids ?? [],
    allowed_user_ids: roaming?.allowed_user_ids ?? [],
  };
  const isPlace = { has: isNetwork, reason: "is neither an IP address nor a network such as 192.0.2.0/24" };
  return [
    ...refuseOthers(`${ROAMING}.allowed_source_ips`, lists.allowed_source_ips, isPlace),
    ...Object.entries(lists).flatMap(([name, values]) => refuseRepeats(`${ROAMING}.${name}`, values)),
  ];
}

type VerificationMethod = NonNullable<AuthenticatorSettings["onboarding_configuration"]>["verification_method"];

function checkOnboarding(method: VerificationMethod | undefined): FieldViolation[] {
  const field = `${CONFIG}.onboarding_configuration.verification_method.idp_id`;
  if (method === undefined || (method.type === "idp") === (method.idp_id !== undefined)) return [];
  return [{ field, description: method.type === "idp" ? "missing" : "is for type idp only" }];
}

/** The pages of an application itself, where its people log in (reference 3.1). */
export interface EmbeddedPages {
  readonly invokeUrl: string;
  readonly invocation: "automatic" | "manual";
}

/** The application's own pages; undefined where people log in at ours. */
export function embeddedPagesOf(authenticator: AuthenticatorSettings | undefined): EmbeddedPages | undefined {
  if (authenticator?.type !== "embedded" || authenticator.invoke_url === undefined) return undefined;
  return { invokeUrl: authenticator.invoke_url, invocation: authenticator.invocation_type ?? "automatic" };
}

/** Whether pages of this origin, as a browser names it, may act for an authenticator: to the letter. */
export function trustsOrigin({ trusted_origins = [] }: AuthenticatorSettings, origin: string): boolean {
  return trusted_origins.some((trusted) => URL.parse(trusted)?.origin === origin);
}
