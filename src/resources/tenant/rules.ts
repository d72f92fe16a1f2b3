import { type Checked, createBodyReader } from "../settings.ts";
import { type TenantBody, TenantSettings } from "./schema.ts";

const read = createBodyReader("tenant", TenantSettings);

/** What a tenant is when nobody says otherwise. */
export const TENANT_DEFAULTS = {
  token_policy: {},
  settings: { allow_plain_pkce: false, show_secrets_once: false, keep_token_requests: false },
} as const satisfies TenantBody;

/** The settings of a new tenant, or what is wrong with them. */
export function createTenant(body: TenantBody): Checked<TenantSettings> {
  return read.create(TENANT_DEFAULTS, body);
}

/** The settings of a tenant after a change, or what is wrong with them. */
export function updateTenant(current: TenantSettings, body: TenantBody): Checked<TenantSettings> {
  return read.update(current, body);
}
