import { ManagementError } from "./management-error.ts";

/** Who calls a management route, as its token says at this moment: scopes and reach are live (rule 7). */
export interface Caller {
  readonly tenantId: string;
  /** the realm its token was issued in, not the one it wants to touch */
  readonly realmId: string;
  readonly applicationId: string;
  readonly identityId: string | undefined;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** `*` or one realm id */
  readonly targetRealm: string;
}

/** Who a caller is, for a decision: events name the person, or else the application, as their actor. */
export function describeCaller({ applicationId, identityId, subject }: Caller): Readonly<Record<string, string>> {
  return { application_id: applicationId, subject, ...(identityId === undefined ? {} : { identity_id: identityId }) };
}

/** Throws 403 unless the caller's token holds every scope named. */
export function demandScopes(caller: Caller, scopes: readonly string[]): void {
  const missing = scopes.filter((scope) => !caller.scopes.has(scope));
  if (missing.length === 0) return;
  throw new ManagementError("forbidden", "forbidden", {
    headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scopes.join(" ")}"` },
    details: [
      {
        type: "ResourceInfo",
        resource_type: "Scope",
        id: missing.join(" "),
        description: "the token lacks this scope",
      },
    ],
  });
}

/** Throws 403 unless the caller's reach covers this realm, or, for what concerns the whole tenant, every realm (rule 8). */
export function demandRealm(caller: Caller, realmId: string | undefined): void {
  if (caller.targetRealm === "*" || caller.targetRealm === realmId) return;
  throw new ManagementError("forbidden", "forbidden");
}
