import { type Caller, describeCaller } from "../http/caller.ts";
import { type HttpReply, type HttpRequest, headerOf, jsonReply, type Route } from "../http/route.ts";
import { lifetimeRecord } from "../protocol/lifetime.ts";
import { OAuthError, publicDescription, statusOf } from "../protocol/oauth-error.ts";
import type { RequestParameters } from "../protocol/parameters.ts";
import { TOKEN_EXCHANGE } from "../protocol/token-exchange.ts";
import type { CurrentApplication } from "../resources/application/queries.ts";
import { atIssuers } from "./at-issuer.ts";
import { authenticateScopedBearer, usesBearer } from "./bearer.ts";
import { presentedClient, secretsOf, verifyClient } from "./client-authentication/index.ts";
import { claimsOf, type DecidedIssue, decideIssue } from "./decide-issue.ts";
import { findApplication, unknownApplication } from "./find-application.ts";
import { findPresentedApplication } from "./find-client.ts";
import { readCurrentApplication } from "./find-live-application.ts";
import type { Foreseen, Grant, TokenRequest } from "./grants/grant.ts";
import { makeAccessToken } from "./issue.ts";
import { checkQuotas } from "./quotas.ts";
import { recordRefusals } from "./record-refusals.ts";
import type { Services } from "./services.ts";
import { chooseGrant, parseTokenRequest, readTokenForm } from "./token-request.ts";

/** What would be spent by a token request: a preview says what it stands for instead (rule 28). */
const CREDENTIALS = ["code", "code_verifier", "refresh_token", "subject_token", "actor_token"];

/** POST tokens:preview: what a token request would get and why, issuing nothing. */
export function previewRoutes(services: Services): readonly Route[] {
  return [
    ...atIssuers(services, {
      name: "previewToken",
      method: "POST",
      path: "/tokens::preview",
      kind: "auth",
      findApplication: findPresentedApplication(services),
      handle: recordRefusals(services, "preview", (request) => handlePreview(services, request)),
    }),
  ];
}

async function handlePreview(services: Services, request: HttpRequest): Promise<HttpReply> {
  const { key } = await findApplication(services, request, { isForBearers: true });
  const parameters = readTokenForm(request);
  const current = await readCurrentApplication(services, key);
  if (current === undefined) throw unknownApplication();
  const asker = await authenticate(services, request, { current, parameters });
  for (const name of CREDENTIALS) {
    if (parameters.values.has(name)) throw new OAuthError("invalid_request", `a preview takes no ${name}`);
  }
  try {
    const grant = chooseGrant(parameters, current.context);
    const parsed = parseTokenRequest(services, request, { current, parameters });
    return jsonReply(200, await preview(parsed, grant, asker));
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    recordRefusal(services, request, { current, error, asker });
    return jsonReply(200, describeRefusal(error));
  }
}

type Asker = Caller | "client";

/** Rule 28: whoever has the client's secret, or `tokens:read` for the realm. */
async function authenticate(
  services: Services,
  request: HttpRequest,
  { current, parameters }: { readonly current: CurrentApplication; readonly parameters: RequestParameters },
): Promise<Asker> {
  const authorization = headerOf(request, "authorization");
  const { client, key } = current.context;
  if (usesBearer(authorization)) {
    return authenticateScopedBearer(services, { realm: key, authorization, parameters, scope: "tokens:read" });
  }
  if (client.confidentiality === "public") {
    throw new OAuthError("invalid_client", "a public client proves nothing: use a bearer token of tokens:read");
  }
  verifyClient(presentedClient({ authorization, parameters }), client, secretsOf(services, current));
  return "client";
}

async function preview(request: TokenRequest, grant: Grant, asker: Asker): Promise<object> {
  const foreseen = await grant.foresee(request);
  const { grantType } = grant;
  const decided = decideIssue(request, foreseen.authorization, grantType);
  await checkQuotas(request, grantType);
  // Made, and thrown away: what is refused only then is refused here, too.
  await makeAccessToken(request, decided);
  return { granted: true, grant_type: grantType, ...describe(request, foreseen, { ...decided, asker }) };
}

function describe(
  request: TokenRequest,
  foreseen: Foreseen,
  { lifetime, token, asker }: DecidedIssue & { readonly asker: Asker },
): object {
  const { client } = request.context;
  const { scope, dropped } = foreseen.authorization.scope;
  const { jti: _, sub, ...claims } = claimsOf(request, { ...token, id: "" });
  const tellsSubject = asker !== "client" || token.identityId === undefined || isKnownById(client);
  const isLogin = token.identityId !== undefined && token.grantType !== TOKEN_EXCHANGE;
  const hasIdToken = isLogin && client.type === "oidc" && scope.includes("openid");
  return {
    token_format: client.tokenFormat,
    expires_in: lifetime.expiresAt - lifetime.issuedAt,
    scope: token.scope,
    scopes_dropped: dropped,
    lifetime: lifetimeRecord(lifetime),
    ...(token.usesLeft === undefined ? {} : { max_uses: token.usesLeft }),
    ...(token.notBefore === undefined ? {} : { not_before: token.notBefore }),
    claims: tellsSubject ? { sub, ...claims } : claims,
    ...(foreseen.refreshSeconds === undefined ? {} : { refresh_token: { expires_in: foreseen.refreshSeconds } }),
    ...(hasIdToken ? { id_token: { expires_in: client.idTokenLifetimeSeconds } } : {}),
  };
}

// Rules 1 and 20: by a person's id a client must not find out the address or the name that its subjects are, nor which of its pairwise
// subjects is the person whom others know by that id. At a login the person is there.
function isKnownById({ subjectType, subjectField }: TokenRequest["context"]["client"]): boolean {
  return subjectType !== "pairwise" && subjectField === "id";
}

/** The refusal that the token endpoint would answer, with its ledger where a lifetime is refused. */
function describeRefusal(error: OAuthError): object {
  const { lifetime, dropped } = error.facts;
  return {
    granted: false,
    status: statusOf(error),
    error: error.code,
    error_description: publicDescription(error),
    ...(lifetime === undefined ? {} : { lifetime }),
    ...(dropped === undefined ? {} : { scopes_dropped: dropped }),
  };
}

function recordRefusal(
  { decisions }: Services,
  { traceId }: HttpRequest,
  refused: { readonly current: CurrentApplication; readonly error: OAuthError; readonly asker: Asker },
): void {
  const { asker, error } = refused;
  const { key } = refused.current.context;
  const by = asker === "client" ? { application_id: key.applicationId } : describeCaller(asker);
  const facts = { detail: error.detail, ...error.facts, ...by };
  decisions.record({ ...key, traceId, kind: "preview", outcome: error.code, facts });
}
