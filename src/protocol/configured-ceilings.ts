import type { ApplicationContext } from "./client-metadata.ts";
import { type Ceilings, collectCeilings } from "./lifetime.ts";

/** What bounds a token besides what is configured. */
interface GrantedBounds {
  readonly scope: readonly string[];
  readonly consentSeconds: number | undefined;
  readonly parentExpiresAt: number | undefined;
  readonly now: number;
}

/** The ceilings of an application's tokens, as it and what is around it are configured (mayfly.md §3). */
export function configuredCeilings(
  { client, realm, tenant, resourceServer }: Pick<ApplicationContext, "client" | "realm" | "tenant" | "resourceServer">,
  granted: GrantedBounds,
): Ceilings {
  return collectCeilings({
    applicationSeconds: client.expiresAfterSeconds,
    resourceServerSeconds: resourceServer?.maxExpiresAfterSeconds,
    scopePolicies: resourceServer?.scopePolicies,
    grantedScopes: granted.scope,
    realmSeconds: realm.tokenPolicy.maxExpiresAfterSeconds,
    tenantSeconds: tenant.tokenPolicy.maxExpiresAfterSeconds,
    consentSeconds: granted.consentSeconds,
    parentExpiresAt: granted.parentExpiresAt,
    now: granted.now,
  });
}
