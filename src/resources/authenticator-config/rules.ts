import type { FieldViolation } from "../../http/management-error.ts";
import { checkRegisteredRedirectUri } from "../../protocol/redirect-uri.ts";
import { refuseRepeats } from "../list-rules.ts";
import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type AuthenticatorConfigBody, AuthenticatorConfigSettings, type AuthenticatorSettings } from "./schema.ts";

type AuthenticatorType = AuthenticatorSettings["type"];
type Member = Exclude<keyof AuthenticatorSettings, "type">;

const read = createBodyReader("authenticator_config", AuthenticatorConfigSettings);
const CONFIG = "authenticator_config.config";

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

/** The settings of a new authenticator config, or what is wrong with them. */
export function createAuthenticatorConfig(body: AuthenticatorConfigBody): Checked<AuthenticatorConfigSettings> {
  const type = body.config?.type;
  const defaults = (type && DEFAULTS[type]) ?? {};
  return refine(read.create({ config: defaults }, body), ({ config }) => check(config));
}

/** The settings of an authenticator config after a change, or what is wrong with them. Its type never changes. */
export function updateAuthenticatorConfig(
  current: AuthenticatorConfigSettings,
  body: AuthenticatorConfigBody,
): Checked<AuthenticatorConfigSettings> {
  const config = { ...body.config, type: current.config.type };
  return refine(read.update(current, { ...body, config }), (settings) => check(settings.config));
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

type VerificationMethod = NonNullable<AuthenticatorSettings["onboarding_configuration"]>["verification_method"];

function checkOnboarding(method: VerificationMethod | undefined): FieldViolation[] {
  const field = `${CONFIG}.onboarding_configuration.verification_method.idp_id`;
  if (method === undefined || (method.type === "idp") === (method.idp_id !== undefined)) return [];
  return [{ field, description: method.type === "idp" ? "missing" : "is for type idp only" }];
}
