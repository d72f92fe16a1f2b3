import { bindingOverReply } from "../../http/binding-over-page.ts";
import { isSentByOurPage } from "../../http/form-origin.ts";
import { leaveReply } from "../../http/lead-page.ts";
import { type PageFailure, pageFailureOf, pageReply, replyWithErrorPage } from "../../http/pages.ts";
import { type HttpReply, type HttpRequest, type Route, realmKeyOf } from "../../http/route.ts";
import { textsIn } from "../../http/texts/index.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { parseForm, parseQuery } from "../../protocol/parameters.ts";
import { type PresentedLink, readLink } from "../../resources/judge-binding-link.ts";
import { beginRegistration } from "../passkey/register.ts";
import type { LoginServices } from "../services.ts";
import { type BindingRequest, bindPasskey, readUsableLink, type UsableLink } from "./bind.ts";
import { type BindPage, bindPage, boundPage, frame } from "./pages.ts";

const BIND = "/authenticator/v1/tenants/:tenant/realms/:realm/bind";

/** The pages that links of credential binding jobs lead to (reference 3.1 and 3.2). */
export function bindingRoutes(services: LoginServices): readonly Route[] {
  const route = { path: BIND, kind: "page" } as const;
  return [
    { ...route, name: "bind", method: "GET", handle: (request) => show(services, request) },
    { ...route, name: "bindByPost", method: "POST", handle: (request) => submit(services, request) },
  ];
}

/** GET: asks for a passkey. It changes nothing: mail scanners come here, too. */
function show(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  return answer(services, http, async (failure) => {
    const presented = linkIn(http, parseQuery(http.queryString, { duplicates: "report" }).values);
    if (presented === undefined) return bindingOverReply("unknown", failure);
    return showLink(services, presented, failure);
  });
}

/** POST: what the browser made. */
function submit(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  return answer(services, http, async (failure) => {
    if (!isSentByOurPage(http, services.deps.config.publicUrl)) {
      throw new OAuthError("invalid_request", "the form was sent by another site", { status: 403 });
    }
    const { values } = parseForm(http.bytes);
    const presented = linkIn(http, values);
    if (presented === undefined) return bindingOverReply("unknown", failure);
    const request = { presented, sent: values.get("credential"), http };
    return bind(services, request, failure);
  });
}

async function bind(services: LoginServices, request: BindingRequest, failure: PageFailure): Promise<HttpReply> {
  const { presented } = request;
  const link = await readUsableLink(services, presented);
  if (link.kind !== "usable") return bindingOverReply(link.kind, { ...failure, ...link.look });
  const bound = await bindPasskey(services, link, request);
  const texts = textsIn(failure.language);
  switch (bound.kind) {
    case "bound":
      if (bound.redirectUri === undefined) return pageReply(boundPage(link, texts));
      return leaveReply(request.http, bound.redirectUri, frame(link, texts));
    case "refused":
      services.deps.log.info({ cause: bound.cause, job_id: presented.key.jobId }, "a passkey was not bound");
      return linkReply(services, link, { presented, texts, problem: bound.why });
    default:
      return bindingOverReply(bound.kind, { ...failure, ...link.look });
  }
}

async function showLink(services: LoginServices, presented: PresentedLink, failure: PageFailure): Promise<HttpReply> {
  const link = await readUsableLink(services, presented);
  return link.kind === "usable"
    ? linkReply(services, link, { presented, texts: textsIn(failure.language) })
    : bindingOverReply(link.kind, { ...failure, ...link.look });
}

async function linkReply(
  services: LoginServices,
  link: UsableLink,
  shown: Omit<BindPage, "creation">,
): Promise<HttpReply> {
  const db = services.deps.database.tenants([shown.presented.key.tenantId]);
  const creation = link.place && (await beginRegistration(db, link.identity, link.place));
  return pageReply(bindPage(link, { ...shown, creation }));
}

function linkIn(http: HttpRequest, values: ReadonlyMap<string, string>): PresentedLink | undefined {
  const text = { identityId: values.get("identity_id"), jobId: values.get("job_id"), token: values.get("token") };
  return readLink(realmKeyOf(http), text);
}

async function answer(
  { deps }: LoginServices,
  http: HttpRequest,
  handle: (failure: PageFailure) => Promise<HttpReply>,
): Promise<HttpReply> {
  const failure = pageFailureOf(http, deps.log);
  try {
    return await handle(failure);
  } catch (error) {
    return replyWithErrorPage(error, failure);
  }
}
