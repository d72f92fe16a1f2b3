import type { Queryable } from "../database/database.ts";
import type { Texts } from "../http/texts/index.ts";
import type { ApplicationContext, RealmContext, RealmKey, TenantContext } from "../protocol/client-metadata.ts";
import { findApplicationContext } from "../resources/application/queries.ts";
import { findAuthenticatorOf } from "../resources/application-authenticator.ts";
import type { AuthenticatorSettings } from "../resources/authenticator-config/schema.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import { sessionPolicyOf } from "../resources/realm/rules.ts";
import { findAccountRealm } from "./account-realm.ts";

/** What a login leads to, and what is around it. */
export interface LoginContext {
  readonly key: RealmKey & { readonly applicationId: string | undefined };
  readonly tenant: Pick<TenantContext, "kind" | "clockOffsetSeconds">;
  readonly realm: Pick<RealmContext, "displayName" | "isAdmin" | "autoProvision" | "sessionPolicy">;
  /** what pages and mails call it, and what stands below that */
  readonly name: string;
  readonly place: string;
  /** undefined: the account page of the realm, which is no application's */
  readonly application: ApplicationContext | undefined;
  /** where and by which methods people log in to it */
  readonly authenticator: AuthenticatorSettings;
}

/** The application that a login leads to, for what only those of applications do. */
export function demandApplication({ application }: LoginContext): ApplicationContext {
  if (application === undefined) throw new Error("a login to the account page asks for nothing of an application's");
  return application;
}

/** One that was deleted since the login began is one of our own pages, without a method. */
const NO_AUTHENTICATOR: AuthenticatorSettings = { type: "hosted_web" };

/** Reads what a stored login leads to; undefined where that is gone. */
export async function findLoginContext(
  db: Queryable,
  stored: AuthorizationRequest,
  texts: Texts,
): Promise<LoginContext | undefined> {
  const { applicationId } = stored;
  if (applicationId === undefined) return findAccountContext(db, stored, texts);
  const application = await findApplicationContext(db, { ...stored, applicationId });
  if (application === undefined) return undefined;
  const { key, tenant, realm, client } = application;
  const authenticator = (await findAuthenticatorOf(db, application)) ?? NO_AUTHENTICATOR;
  return { key, tenant, realm, name: client.displayName, place: realm.displayName, application, authenticator };
}

/**
 * The account page: people log in to it by whatever logs them in to an application of the realm on our pages. Nobody enrols there: who is
 * new has no account to look after.
 */
async function findAccountContext(
  db: Queryable,
  { tenantId, realmId }: RealmKey,
  texts: Texts,
): Promise<LoginContext | undefined> {
  const key = { tenantId, realmId };
  const found = await findAccountRealm(db, key);
  if (found === undefined) return undefined;
  const { facts, realm, methods } = found;
  const { display_name: displayName } = realm.settings;
  return {
    key: { ...key, applicationId: undefined },
    tenant: { kind: facts.tenantKind, clockOffsetSeconds: facts.clockOffsetSeconds },
    realm: {
      displayName,
      isAdmin: realm.isAdmin,
      autoProvision: false,
      sessionPolicy: sessionPolicyOf(realm.settings),
    },
    ...{ name: displayName, place: texts.account.title },
    application: undefined,
    authenticator: { type: "hosted_web", authentication_methods: methods },
  };
}
