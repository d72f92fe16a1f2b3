import { type HttpRequest, headerOf } from "../http/route.ts";
import type { ApplicationContext, ApplicationKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import { parseForm, type RequestParameters } from "../protocol/parameters.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import { type AuthenticatedClient, authenticateClient } from "./authenticate-client.ts";
import { authenticateScopedBearer, usesBearer } from "./bearer.ts";
import { presentedClient } from "./client-authentication/index.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { readForm } from "./form.ts";
import { findPresentedRefreshToken, type PresentedRefreshToken, readPresentedToken } from "./presented-token.ts";
import type { Services } from "./services.ts";

/** A token in the hands of somebody who may end or shorten it, dead or alive. */
export type HeldToken =
  | { readonly kind: "access"; readonly row: TokenFacts }
  | {
      readonly kind: "refresh";
      readonly row: PresentedRefreshToken["grant"];
      readonly presented: PresentedRefreshToken;
    };

/** A request of a holder about its token. */
export interface HolderRequest {
  readonly context: ApplicationContext;
  readonly parameters: RequestParameters;
  /** who asks, for the decision */
  readonly by: string;
  /** undefined where the text is no token of whoever asks: nobody is told which */
  readonly held: HeldToken | undefined;
}

/**
 * Who ends or shortens what: an application its own tokens, or the bearer of `tokens:delete` those of every application of the realm.
 * /revoke and /shorten begin with it (RFC 7009 §2.1, rule 28).
 *
 * @throws OAuthError for credentials that are wrong, and without a token
 */
export async function readHolderRequest(services: Services, request: HttpRequest): Promise<HolderRequest> {
  const context = await findApplication(services, request);
  const parameters = readHolderForm(request);
  const holder = await authenticateHolder(services, request, { key: context.key, parameters });
  const token = parameters.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "token is missing");
  const found = await findHeld(services, context, { token, holder });
  const isOwn = holder === "realm" || found?.row.applicationId === context.key.applicationId;
  const by = holder === "realm" ? "a bearer of tokens:delete" : "its client";
  return { context, parameters, by, held: isOwn ? found : undefined };
}

type Holder = AuthenticatedClient | "realm";

async function findHeld(
  services: Services,
  { key, tenant }: ApplicationContext,
  asked: { readonly token: string; readonly holder: Holder },
): Promise<HeldToken | undefined> {
  const { token: text, holder } = asked;
  const client = holder === "realm" ? undefined : holder;
  if (looksLikeRefreshToken(text)) {
    await client?.confirm(false);
    const sent = { text, refreshKeySealed: tenant.refreshKeySealed };
    const presented = await findPresentedRefreshToken(services, key, sent);
    return presented && { kind: "refresh", row: presented.grant, presented };
  }
  const { facts, isBasisCurrent } = await readPresentedToken(services, key, { text, basis: client?.basis });
  await client?.confirm(isBasisCurrent);
  return facts && { kind: "access", row: facts };
}

// Reference 1.12: the documentation's own example labels its form as JSON. A form is a form, whatever its label (rule 38).
function readHolderForm(request: HttpRequest): RequestParameters {
  const mediaType = (headerOf(request, "content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return readForm(request);
  const parameters = parseForm(request.bytes);
  if (!parameters.values.has("token")) {
    throw new OAuthError("invalid_request", "send the parameters as application/x-www-form-urlencoded", {
      status: 415,
    });
  }
  return parameters;
}

async function authenticateHolder(
  services: Services,
  request: HttpRequest,
  input: { readonly key: ApplicationKey; readonly parameters: RequestParameters },
): Promise<Holder> {
  const authorization = headerOf(request, "authorization");
  const { key, parameters } = input;
  if (usesBearer(authorization)) {
    await authenticateScopedBearer(services, { realm: key, authorization, parameters, scope: "tokens:delete" });
    return "realm";
  }
  const presented = presentedClient({ authorization, parameters });
  return authenticateClient(services, key, { presented, unknown: unknownApplication });
}
