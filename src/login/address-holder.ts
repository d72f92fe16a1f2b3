import { isConflict, readQuotaReached } from "../database/database-error.ts";
import { hexId } from "../platform/random.ts";
import {
  findIdentitiesByEmail,
  type Identity,
  type IdentityKey,
  insertIdentity,
  verifyIdentityEmail,
} from "../resources/identity/queries.ts";
import { createIdentity } from "../resources/identity/rules.ts";
import type { IdentitySettings } from "../resources/identity/schema.ts";
import type { LoginContext } from "./login-context.ts";
import type { LoginServices } from "./services.ts";

/** The realm that somebody logs in to, and whether newcomers may. */
type LoginPlace = Pick<LoginContext, "key" | "realm">;

/** Whom an address belongs to, as far as logging in goes. Why it is nobody is for the decision only. */
export type AddressHolder =
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "newcomer"; readonly settings: IdentitySettings }
  | { readonly kind: "nobody"; readonly cause: string; readonly identityId?: string };

/** Looks up whom a code for this address would log in. */
export async function findAddressHolder(
  services: LoginServices,
  context: LoginPlace,
  emailKey: string,
): Promise<AddressHolder> {
  const db = services.deps.database.tenants([context.key.tenantId]);
  const [identity, ...others] = await findIdentitiesByEmail(db, context.key, emailKey);
  if (identity === undefined) return asNewcomer(context, emailKey);
  // Reference 2.3: login by mail needs exactly one match.
  if (others.length > 0) return { kind: "nobody", cause: "several identities have this address" };
  if (identity.status === "active") return { kind: "identity", identity };
  return { kind: "nobody", cause: "the identity is suspended", identityId: identity.key.identityId };
}

// Rule 35: a realm may let people enrol themselves, but nobody makes himself an administrator.
function asNewcomer({ realm }: LoginPlace, emailKey: string): AddressHolder {
  if (!realm.autoProvision || realm.isAdmin) return { kind: "nobody", cause: "no identity has this address" };
  const traits = { type: "traits_v0", username: emailKey, primary_email_address: emailKey } as const;
  // A client_id has no "@", so no address can be one (rule 2).
  const created = createIdentity({ display_name: emailKey, traits }, { isClientId: () => false });
  return created.ok
    ? { kind: "newcomer", settings: created.value }
    : { kind: "nobody", cause: "this address cannot be a user name" };
}

/** Somebody who has proved an address. */
export interface AdmittedPerson {
  readonly key: IdentityKey;
  readonly provisioned: boolean;
}

/** Who has proved an address, and whom it was found to belong to. */
export interface ProvedAddress {
  readonly emailKey: string;
  readonly holder: Exclude<AddressHolder, { kind: "nobody" }>;
}

/** The person whom a proved address logs in: made if the realm says so, the address marked as verified. Or why there is nobody. */
export async function admitHolder(
  services: LoginServices,
  context: LoginPlace,
  { emailKey, holder }: ProvedAddress,
): Promise<AdmittedPerson | { readonly cause: string }> {
  if (holder.kind === "newcomer") return provision(services, context, { emailKey, settings: holder.settings });
  return admitIdentity(services, holder.identity, emailKey);
}

async function admitIdentity(services: LoginServices, identity: Identity, emailKey: string): Promise<AdmittedPerson> {
  const { database, clock } = services.deps;
  const { key } = identity;
  if (!identity.emailVerified) {
    await verifyIdentityEmail(database.tenants([key.tenantId]), key, emailKey, clock.nowMs());
  }
  return { key, provisioned: false };
}

async function provision(
  services: LoginServices,
  context: LoginPlace,
  newcomer: { readonly emailKey: string; readonly settings: IdentitySettings },
): Promise<AdmittedPerson | { readonly cause: string }> {
  const { database, clock, random } = services.deps;
  const { tenantId, realmId } = context.key;
  const key = { tenantId, realmId, identityId: hexId(random) };
  const db = database.tenants([tenantId]);
  try {
    await insertIdentity(db, key, { settings: newcomer.settings, emailVerified: true }, clock.nowMs());
    return { key, provisioned: true };
  } catch (error) {
    if (readQuotaReached(error) !== undefined) return { cause: "the tenant's quota of identities is reached" };
    if (!isConflict(error, "identities_username")) throw error;
    // Two logins of one newcomer at once: the other was first.
    const [identity, ...others] = await findIdentitiesByEmail(db, context.key, newcomer.emailKey);
    if (identity?.status === "active" && others.length === 0)
      return admitIdentity(services, identity, newcomer.emailKey);
    return { cause: "the user name is taken by an identity with another address" };
  }
}
