import { type Caller, describeCaller } from "../http/caller.ts";
import { ManagementError } from "../http/management-error.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import type { ApplicationContext, ApplicationKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { looksLikeRefreshToken } from "../protocol/opaque-token.ts";
import { parseForm, type RequestParameters } from "../protocol/parameters.ts";
import { demandHolder } from "../resources/demand-holder.ts";
import type { TokenFacts } from "../resources/token/queries.ts";
import { type AuthenticatedClient, authenticateClient } from "./authenticate-client.ts";
import { authenticateScopedBearer, usesBearer } from "./bearer.ts";
import { presentedClient } from "./client-authentication/index.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { readForm } from "./form.ts";
import { findPresentedRefreshToken, type PresentedRefreshToken, readPresentedToken } from "./presented-token.ts";
import type { Services } from "./services.ts";

/** So far into a body it is looked whether it is an object of JSON. */
const LABEL_LOOK_BYTES = 64;

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
  readonly facts: Readonly<Record<string, string>>;
  /** undefined where the text is no token of whoever asks: nobody is told which */
  readonly held: HeldToken | undefined;
}

/**
 * Who ends or shortens what: an application its own tokens, or the bearer of `tokens:delete` those of every application of the realm.
 * /revoke and /shorten begin with it (RFC 7009 §2.1, rule 28).
 *
 * @throws OAuthError for credentials that are wrong, without a token, and to a bearer who may not do what the token's holder may (rule 1)
 */
export async function readHolderRequest(services: Services, request: HttpRequest): Promise<HolderRequest> {
  const context = await findApplication(services, request, { isForBearers: true });
  const parameters = readHolderForm(request);
  const holder = await authenticateHolder(services, request, { key: context.key, parameters });
  const token = parameters.values.get("token");
  if (token === undefined) throw new OAuthError("invalid_request", "token is missing");
  const found = await findHeld(services, context, { token, holder });
  if (holder.kind === "client") {
    const isOwn = found?.row.applicationId === context.key.applicationId;
    return { context, parameters, facts: { by: "its client" }, held: isOwn ? found : undefined };
  }
  const { caller } = holder;
  if (found !== undefined) await demandPower(services, caller, found);
  const facts = { by: "a bearer of tokens:delete", ...describeCaller(caller) };
  return { context, parameters, facts, held: found };
}

type Holder =
  | { readonly kind: "client"; readonly client: AuthenticatedClient }
  | { readonly kind: "bearer"; readonly caller: Caller };

async function demandPower({ deps }: Services, caller: Caller, { row }: HeldToken): Promise<void> {
  const { tenantId, realmId, applicationId, identityId } = row;
  const db = deps.database.tenants([tenantId]);
  try {
    await demandHolder({ db, caller }, { tenantId, realmId, applicationId, identityId });
  } catch (error) {
    if (!(error instanceof ManagementError)) throw error;
    const detail = "the token is of somebody who may do more than the bearer";
    throw new OAuthError("insufficient_scope", detail, { cause: error, facts: describeCaller(caller) });
  }
}

async function findHeld(
  services: Services,
  { key, tenant }: ApplicationContext,
  asked: { readonly token: string; readonly holder: Holder },
): Promise<HeldToken | undefined> {
  const { token: text, holder } = asked;
  const client = holder.kind === "client" ? holder.client : undefined;
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
  const start = Buffer.from(request.bytes.subarray(0, LABEL_LOOK_BYTES)).toString();
  const parameters = start.trimStart().startsWith("{") ? undefined : parseForm(request.bytes);
  if (parameters?.values.has("token") !== true) {
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
    const asked = { realm: key, authorization, parameters, scope: "tokens:delete" };
    return { kind: "bearer", caller: await authenticateScopedBearer(services, asked) };
  }
  const presented = presentedClient({ authorization, parameters });
  const client = await authenticateClient(services, key, { presented, unknown: unknownApplication });
  return { kind: "client", client };
}
