import { Compile } from "typebox/compile";
import { type HttpReply, type HttpRequest, jsonReply, type Route, realmKeyOf } from "../../http/route.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import type { StoredJobState } from "../../resources/credential-binding-job/schema.ts";
import { type PresentedLink, readLink } from "../../resources/judge-binding-link.ts";
import { moveInvitation } from "../../resources/move-invitation.ts";
import { type Bound, bindPasskey, readUsableLink, type UsableLink } from "../binding/bind.ts";
import { beginRegistration, type RegistrationPlace } from "../passkey/register.ts";
import type { LoginServices } from "../services.ts";
import { describePasskey } from "./describe-passkey.ts";
import { BeginBindingBody, EMBEDDED_OPERATIONS, FinishBindingBody } from "./operations.ts";
import { readBody } from "./read-body.ts";
import { routeOf } from "./route-of.ts";
import { demandTrustedPage } from "./trusted-page.ts";

const Beginning = Compile(BeginBindingBody);
const Finishing = Compile(FinishBindingBody);

/** What an application's own page calls to bind a passkey by a link (reference 3.2 and 3.5). The link's token is all that proves anything. */
export function embeddedBindingRoutes(services: LoginServices): readonly Route[] {
  const { beginBinding, finishBinding } = EMBEDDED_OPERATIONS;
  return [
    routeOf(beginBinding, (http) => begin(services, http)),
    routeOf(finishBinding, (http) => finish(services, http)),
  ];
}

async function begin(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const link = await demandLink(services, http, readBody(http, Beginning).token);
  const creation = await beginRegistration(dbOf(services, link), link.identity, link.place);
  await markDelivered(services, link, http);
  return jsonReply(200, creation);
}

async function finish(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  const body = readBody(http, Finishing);
  const link = await demandLink(services, http, body.token);
  const { presented } = link;
  const bound = await bindPasskey(services, link, { presented, sent: JSON.stringify(body.credential), http });
  if (bound.kind !== "bound") {
    if (bound.kind === "refused") {
      services.deps.log.info({ cause: bound.cause, job_id: presented.key.jobId }, "a passkey was not bound");
    }
    throw refusalOf(bound);
  }
  const passkey = await describePasskey(services, link.identity, bound.credentialId);
  return jsonReply(200, {
    passkey,
    ...(bound.redirectUri === undefined ? {} : { post_binding_redirect_uri: bound.redirectUri }),
  });
}

/** A link that a page may use now. */
interface PagesLink extends UsableLink {
  readonly place: RegistrationPlace;
  readonly presented: PresentedLink;
}

/** @throws OAuthError 404 for what is no link, 410 for one that is over, 403 for a page that is not trusted */
async function demandLink(services: LoginServices, http: HttpRequest, sent: string): Promise<PagesLink> {
  const { identity: identityId, job: jobId } = http.parameters;
  const presented = readLink(realmKeyOf(http), { identityId, jobId, token: sent });
  const link = presented && (await readUsableLink(services, presented));
  if (presented === undefined || link === undefined || link.kind !== "usable") {
    throw refusalOf({ kind: link?.kind === "over" ? "over" : "unknown" });
  }
  demandTrustedPage(http, link.authenticator);
  const { place } = link;
  if (place === undefined) throw new OAuthError("invalid_request", "the authenticator config allows no passkeys");
  return { ...link, place, presented };
}

const UNDELIVERED: readonly StoredJobState[] = ["LINK_SENT", "LINK_OPENED"];

async function markDelivered({ deps }: LoginServices, { job }: UsableLink, http: HttpRequest): Promise<void> {
  if (!UNDELIVERED.includes(job.state)) return;
  await moveInvitation(deps, job, { from: UNDELIVERED, to: "REQUEST_DELIVERED" }, http);
}

function refusalOf(bound: Exclude<Bound, { kind: "bound" }>): OAuthError {
  switch (bound.kind) {
    case "unknown":
      return new OAuthError("invalid_request", "there is no such link", { status: 404 });
    case "over":
      return new OAuthError("invalid_request", "the link was used, or is over", { status: 410 });
    case "refused":
      return bound.why === "denied"
        ? new OAuthError("access_denied", "the policy of the realm denies it", { status: 403 })
        : new OAuthError("invalid_grant", bound.cause);
  }
}

function dbOf({ deps }: LoginServices, { job }: UsableLink) {
  return deps.database.tenants([job.key.tenantId]);
}
