import { type Checked, createBodyReader, refine } from "../settings.ts";
import { type TenantBody, TenantQuotas, type TenantQuotasBody, TenantSettings } from "./schema.ts";

const read = createBodyReader("tenant", TenantSettings);
const readQuotas = createBodyReader("quotas", TenantQuotas);

/** What a tenant is when nobody says otherwise. */
export const TENANT_DEFAULTS = {
  token_policy: {},
  settings: { allow_plain_pkce: false, show_secrets_once: false, keep_token_requests: false },
} as const satisfies TenantBody;

/** The settings of a new tenant, or what is wrong with them. */
export function createTenant(body: TenantBody): Checked<TenantSettings> {
  return read.create(TENANT_DEFAULTS, body);
}

/** What a tenant may have and do where its operator says nothing; the numbers of rows also stand in migration 0015. */
export const QUOTA_DEFAULTS = {
  max_applications: 100_000,
  max_identities: 10_000_000,
  logins_per_minute: 6_000,
  requests_per_minute: 6_000,
} as const satisfies TenantQuotas;

/** The settings of a tenant after a change, or what is wrong with them: its own limit of live tokens is at most its operator's. */
export function updateTenant(
  current: TenantSettings,
  body: TenantBody,
  quotas: TenantQuotas = {},
): Checked<TenantSettings> {
  const { max_live_tokens: quota } = quotas;
  const changed = refine(read.update(current, body, TENANT_DEFAULTS), ({ token_policy: { max_live_tokens } }) =>
    quota !== undefined && max_live_tokens !== undefined && max_live_tokens > quota
      ? [{ field: "tenant.token_policy.max_live_tokens", description: `is above the operator's quota of ${quota}` }]
      : [],
  );
  return changed.ok ? { ok: true, value: withLiveTokens(changed.value, quota) } : changed;
}

/** The quotas of a new tenant, or what is wrong with them. */
export function createQuotas(body: TenantQuotasBody): Checked<TenantQuotas> {
  return readQuotas.create({}, body);
}

/** The quotas of a tenant after a change, or what is wrong with them; `null` gives the product's default back. */
export function updateQuotas(current: TenantQuotas, body: TenantQuotasBody): Checked<TenantQuotas> {
  return readQuotas.update(current, body);
}

/**
 * The settings of a tenant under quotas that were just changed: what decides is its own limit of live tokens, so that a quota below
 * lowers it, and one that was its limit raises it.
 */
export function settingsUnder(settings: TenantSettings, quotas: Change<TenantQuotas>): TenantSettings {
  const { max_live_tokens: own } = settings.token_policy;
  const { max_live_tokens: before } = quotas.before;
  const { max_live_tokens: quota } = quotas.after;
  if (own !== undefined && own === before) return withLiveTokens(withoutLiveTokens(settings), quota);
  return own !== undefined && quota !== undefined && own > quota
    ? withLiveTokens(withoutLiveTokens(settings), quota)
    : withLiveTokens(settings, quota);
}

/** Something before and after a change. */
interface Change<T> {
  readonly before: T;
  readonly after: T;
}

function withLiveTokens(settings: TenantSettings, quota: number | undefined): TenantSettings {
  const { token_policy } = settings;
  if (quota === undefined || token_policy.max_live_tokens !== undefined) return settings;
  return { ...settings, token_policy: { ...token_policy, max_live_tokens: quota } };
}

function withoutLiveTokens(settings: TenantSettings): TenantSettings {
  const { max_live_tokens, ...token_policy } = settings.token_policy;
  return { ...settings, token_policy };
}
