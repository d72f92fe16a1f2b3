import type { Deps } from "../../deps.ts";
import { bindingOverReply } from "../../http/binding-over-page.ts";
import { pageFailureOf, replyWithErrorPage } from "../../http/pages.ts";
import { type HttpReply, type HttpRequest, realmKeyOf } from "../../http/route.ts";
import { type RealmKey, realmPath } from "../../protocol/client-metadata.ts";
import { belowInvokeUrl } from "../../protocol/invoke-url.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { appendParameters } from "../../protocol/redirect-uri.ts";
import type { AuthenticatorSettings } from "../authenticator-config/schema.ts";
import { judgeLink, type PresentedLink, readLink } from "../judge-binding-link.ts";
import { moveInvitation } from "../move-invitation.ts";

type LinkDeps = Pick<Deps, "config" | "database" | "clock" | "log">;

/**
 * A person opens the link of a credential binding job (reference E10): the browser goes on to the authenticator, which alone can use
 * the token. Opening spends nothing, because mail scanners open links, too. Who has no true token learns nothing, not even whether
 * there is such a job.
 */
export async function openBindingLink(deps: LinkDeps, http: HttpRequest): Promise<HttpReply> {
  if (http.method === "HEAD") return { status: 204 }; // a look opens nothing
  let failure = pageFailureOf(http, deps.log);
  try {
    const presented = readPresented(http);
    if (presented === undefined) return bindingOverReply("unknown", failure);
    const link = await judgeLink(deps, deps.database.tenants([presented.key.tenantId]), presented);
    failure = { ...failure, ...link.look };
    if (link.kind !== "usable") return bindingOverReply(link.kind, failure);
    if (link.job.state === "LINK_SENT") {
      await moveInvitation(deps, link.job, { from: ["LINK_SENT"], to: "LINK_OPENED" }, http);
    }
    return goTo(deps, link.config, presented);
  } catch (error) {
    return replyWithErrorPage(error, failure);
  }
}

function readPresented(http: HttpRequest): PresentedLink | undefined {
  const { identity = "", job = "" } = http.parameters;
  const token = parseQuery(http.queryString, { duplicates: "report" }).values.get("token");
  return readLink(realmKeyOf(http), { identityId: identity, jobId: job, token });
}

// Reference 3.1: the six members that an authenticator needs to bind.
function goTo({ config }: LinkDeps, authenticator: AuthenticatorSettings, presented: PresentedLink): HttpReply {
  const { key, identityId, token } = presented;
  const location = appendParameters(
    belowInvokeUrl(authenticator.invoke_url ?? hostedUrl(config.publicUrl, key), "bind"),
    {
      api_base_url: config.publicUrl,
      tenant_id: key.tenantId,
      realm_id: key.realmId,
      identity_id: identityId,
      job_id: key.jobId,
      token,
    },
  );
  return { status: 302, headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" } };
}

/** Where our own pages authenticate the people of a realm. */
function hostedUrl(publicUrl: string, realm: RealmKey): string {
  return `${publicUrl}/authenticator${realmPath(realm)}`;
}
