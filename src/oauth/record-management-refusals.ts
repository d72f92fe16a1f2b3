import type { FailedCall } from "../http/admit-caller.ts";
import { ManagementError, type ManagementErrorCode } from "../http/management-error.ts";
import { type HttpRequest, realmKeyOf } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID } from "../protocol/id-grammar.ts";
import type { Services } from "./services.ts";

/** The refusals that say something of who calls, and not of what was sent. */
const RECORDED: ReadonlySet<ManagementErrorCode> = new Set(["unauthorized", "forbidden", "too_many_requests"]);

/**
 * Leaves a decision of each management call that is refused for who calls, under its trace id: in the realm of its path, or, where that
 * names none, in the tenant's admin realm. What names no tenant of ours leaves none: strangers would fill tenants that there are not.
 */
export function recordManagementRefusals({
  directory,
  decisions,
}: Pick<Services, "directory" | "decisions">): (failure: FailedCall) => Promise<void> {
  return async ({ route, request, caller, error }) => {
    if (!(error instanceof ManagementError) || !RECORDED.has(error.code)) return;
    const realm = await findPlace(directory, request);
    if (realm === undefined) return;
    const identity = caller?.identityId === undefined ? {} : { identity_id: caller.identityId };
    const known = caller === undefined ? {} : { ...identity, reach: caller.targetRealm };
    decisions.record({
      ...realm,
      applicationId: caller?.applicationId,
      traceId: request.traceId,
      kind: "management",
      outcome: error.code,
      facts: {
        operation: route.name,
        detail: error.message,
        needed: route.scopes ?? [],
        ...lackingOf(error),
        ...known,
      },
    });
  };
}

async function findPlace(directory: Services["directory"], request: HttpRequest): Promise<RealmKey | undefined> {
  const { tenant = "" } = request.parameters;
  if (!HEX_ID.test(tenant)) return undefined;
  const named = realmKeyOf(request);
  const facts = named === undefined ? undefined : await directory.facts(named);
  return facts?.key ?? directory.adminRealm(tenant);
}

// What a 403 names of scopes: what the token lacks, or what somebody holds whom the call concerns (rule 1).
function lackingOf({ details }: ManagementError): { readonly lacking?: string; readonly because?: string } {
  const [scope] = details.flatMap((detail) =>
    detail.type === "ResourceInfo" && detail.resource_type === "Scope" ? [detail] : [],
  );
  return scope === undefined ? {} : { lacking: scope.id, because: scope.description };
}
