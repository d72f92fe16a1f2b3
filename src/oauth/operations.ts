import { type TSchema, Type } from "typebox";
import type { AuthOperation } from "../http/openapi/auth-operation.ts";
import { OPENID_SCOPES } from "../protocol/scope.ts";
import { TOKEN_TYPES } from "../protocol/token-exchange.ts";
import { GRANTS } from "./grants/index.ts";
import { RESPONSE_MODES } from "./response-modes/index.ts";

const REALM = "/v1/tenants/{tenant}/realms/{realm}";
const APPLICATION = `${REALM}/applications/{application}`;
/** Its form is the protocol's; its bounds are those of the application, its resource server, realm and tenant (rule 31). */
const EXPIRATION_TIME = text(
  "How many seconds the access token is to live: from one second to the ceiling that applies. Without it the application's default.",
  {
    pattern: "^[1-9][0-9]{0,9}$",
  },
);
const BOUNDS = {
  max_uses: Type.Optional(
    text(
      "How often the token may be used, from 1 to 1000000; of referential tokens only. Without it as often as it is wanted.",
      { pattern: "^[1-9][0-9]{0,6}$" },
    ),
  ),
  not_before: Type.Optional(
    text(
      "From when the token is valid, in seconds since 1970; its lifetime counts from there. Without it from now on.",
      {
        pattern: "^[1-9][0-9]{0,10}$",
      },
    ),
  ),
};
const CLIENT_FORM = {
  client_id: optional("Instead of HTTP Basic, beside client_secret; alone, of a public client."),
  client_secret: optional("Instead of HTTP Basic."),
};
const TOKEN_TYPE = { enum: [...TOKEN_TYPES] };
const EXCHANGE_FORM = {
  subject_token: optional("Of token exchange (RFC 8693): the access token that is handed on."),
  subject_token_type: Type.Optional(text("", TOKEN_TYPE)),
  actor_token: optional("An access token of whoever acts; without it the application itself does."),
  actor_token_type: Type.Optional(text("", TOKEN_TYPE)),
  requested_token_type: Type.Optional(text("", TOKEN_TYPE)),
  audience: optional("For whom the new token is, of those whom the subject token is for; may repeat."),
  resource: optional("The same, by a URI; may repeat."),
};
const TOKEN_FORM = {
  token: text("The token."),
  token_type_hint: Type.Optional(text("", { enum: ["access_token", "refresh_token"] })),
  ...CLIENT_FORM,
};

const AuthorizeQuery = Type.Object({
  client_id: text("The application's client_id."),
  response_type: text("", { enum: ["code"] }),
  redirect_uri: text("One that is registered, to the letter; of a loopback address the port is free."),
  scope: optional(
    `Scopes, separated by spaces: ${OPENID_SCOPES.join(", ")}, and those that the application may ask for.`,
  ),
  state: optional("Comes back with the answer."),
  code_challenge: optional("PKCE (RFC 7636)."),
  code_challenge_method: Type.Optional(text("", { enum: ["S256", "plain"] })),
  response_mode: Type.Optional(text("", { enum: RESPONSE_MODES.map(({ name }) => name) })),
  nonce: optional("Comes back in the ID token."),
  prompt: optional("`none` or `login`."),
  max_age: optional("Seconds since the person last logged in."),
  login_hint: optional("An email address for the login page."),
});
const TokenForm = Type.Object({
  grant_type: text("", { enum: GRANTS.map(({ grantType }) => grantType) }),
  expiration_time: Type.Optional(EXPIRATION_TIME),
  ...BOUNDS,
  scope: optional("Scopes, separated by spaces; without it all that may be had."),
  code: optional("Of the authorization code grant."),
  redirect_uri: optional("As it was sent to the authorization endpoint."),
  code_verifier: optional("PKCE (RFC 7636)."),
  refresh_token: optional("Of the refresh token grant."),
  ...EXCHANGE_FORM,
  ...CLIENT_FORM,
});
const PreviewForm = Type.Object({
  grant_type: text("", { enum: GRANTS.map(({ grantType }) => grantType) }),
  expiration_time: Type.Optional(EXPIRATION_TIME),
  ...BOUNDS,
  scope: optional("As at the token endpoint; of the authorization code grant, as at the authorization endpoint."),
  subject: optional("The id of the identity that the token would be about."),
  granted_scope: optional("Of the refresh token grant: what was granted at the login."),
  remaining_seconds: optional("Of the refresh token grant: what is left of the refresh token."),
  consent_seconds: optional("The longest life that the person agreed to."),
  subject_token_id: optional("Of a token exchange: the id of the token that would be exchanged."),
  ...CLIENT_FORM,
});
const PreviewAnswer = Type.Object(
  {
    granted: Type.Boolean(),
    expires_in: Type.Optional(Type.Integer({ description: "Seconds until the token would end." })),
    scope: optional("What would be granted."),
    scopes_dropped: Type.Optional(Type.Array(Type.Object({ scope: text(""), rule: text("") }))),
    lifetime: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: "The ledger of the lifetime." }),
    ),
    claims: Type.Optional(Type.Object({}, { additionalProperties: true, description: "What the token would say." })),
    error: optional("Why nothing would be granted."),
    error_description: optional(""),
  },
  { additionalProperties: true },
);
const TokenAnswer = Type.Object({
  access_token: text("The token."),
  token_type: text("", { enum: ["Bearer"] }),
  issued_token_type: optional("Of token exchange: what was made."),
  expires_in: Type.Integer({
    minimum: 0,
    description: "Seconds until the access token ends: as asked for, or refused.",
  }),
  scope: optional("What was granted."),
  refresh_token: optional("Where the application may have one."),
  id_token: optional("Where `openid` was granted."),
});
const IntrospectionAnswer = Type.Object(
  {
    active: Type.Boolean({
      description: "Whether the token is alive, here and now. Of a dead one nothing else is said.",
    }),
    scope: optional("What it allows now."),
    act: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: "Who acts for the subject, and who did before." }),
    ),
    client_id: optional("Whose it is."),
    sub: optional("For whom it stands."),
    exp: Type.Optional(Type.Integer({ description: "When it ends, seconds since 1970." })),
    iat: Type.Optional(Type.Integer()),
    iss: optional("The issuer."),
    jti: optional("The token's id."),
    token_type: optional(""),
    uses_left: Type.Optional(
      Type.Integer({ description: "How often it may still be used. Not for APIs, for whom this is a use." }),
    ),
    issued_lifetime: Type.Optional(
      Type.Integer({
        description: "How many seconds it was to live when it was issued, where it was shortened since.",
      }),
    ),
  },
  { additionalProperties: true },
);
const ShortenAnswer = Type.Object({
  exp: Type.Optional(Type.Integer({ description: "When it ends now, seconds since 1970." })),
  expires_in: Type.Optional(Type.Integer({ description: "Seconds until then." })),
});
const Document = Type.Object({}, { additionalProperties: true });

const REFUSED = {
  400: "The request is refused; error_description says why.",
  401: "The client did not authenticate.",
  503: "The server cannot answer now; nothing was done.",
};
const BEARER_REFUSED = { 401: "The token is dead or not one of this issuer.", 503: REFUSED[503] };

/** The endpoints of the protocol, for the reference; aliases and what only browsers use are left out. */
export const AUTH_OPERATIONS: readonly AuthOperation[] = [
  {
    name: "authorize",
    method: "GET",
    path: `${APPLICATION}/authorize`,
    summary: "Where an application sends a person's browser to log in (RFC 6749 §3.1).",
    security: [],
    description:
      "An application whose authenticator config has manual invocation is answered 200 with the address of its own login page; there a page may call, too, if that config trusts its origin.",
    query: AuthorizeQuery,
    answer: Type.Object({ authenticate_url: text("Where the person logs in.") }),
    statuses: {
      303: "To the login page, or back to the application with a code or an error.",
      400: "A page for the person: the request cannot be answered to anybody.",
      403: "A page has called whose origin is not trusted.",
      429: "Too many logins are begun in this minute.",
    },
  },
  {
    name: "token",
    method: "POST",
    path: `${APPLICATION}/token`,
    summary: "Gives a token that lives exactly as long as expiration_time asks (RFC 6749 §3.2).",
    description: "What exceeds a ceiling is refused, never shortened: the error names the ceiling and who set it.",
    security: ["client"],
    form: TokenForm,
    example: { grant_type: "client_credentials", scope: "shoes:read", expiration_time: "900" },
    answer: TokenAnswer,
    statuses: REFUSED,
  },
  {
    name: "previewToken",
    method: "POST",
    path: `${APPLICATION}/tokens:preview`,
    summary: "Tells what a token request would get and why, issuing nothing.",
    description:
      "Takes what the token endpoint takes, but nothing that is spent: in place of a code or a refresh token it says whom the token would be about and what is left. A refusal is an answer, too: granted is false, and the rest is what the token endpoint would say. A client is not told a person's `sub` that is pairwise, an address or a user name; the bearer of tokens:read is.",
    security: ["client", "bearer"],
    form: PreviewForm,
    example: { grant_type: "client_credentials", scope: "shoes:read", expiration_time: "900" },
    answer: PreviewAnswer,
    statuses: REFUSED,
  },
  {
    name: "introspect",
    method: "POST",
    path: `${REALM}/introspect`,
    summary: "Tells whether a token is alive at this moment, and what it allows (RFC 7662).",
    description:
      "Asked by an application with its secret, or with a bearer token that has the scope tokens:introspect. Revoked, shortened or expired means inactive at once.",
    security: ["client", "bearer"],
    form: Type.Object(TOKEN_FORM),
    example: { token: "$TOKEN" },
    answer: IntrospectionAnswer,
    statuses: REFUSED,
  },
  {
    name: "revoke",
    method: "POST",
    path: `${APPLICATION}/revoke`,
    summary: "Ends a token of the application's, or a refresh token with its family (RFC 7009).",
    security: ["client", "bearer"],
    form: Type.Object(TOKEN_FORM),
    example: { token: "$TOKEN" },
    statuses: REFUSED,
  },
  {
    name: "shorten",
    method: "POST",
    path: `${APPLICATION}/shorten`,
    summary: "Gives a token of the application's an earlier end, and with it all that descends from it.",
    description:
      "It never lives longer by that. Introspection knows the new end at once; a self-contained token says its old one still. Of what is no live token of the caller's nothing is said.",
    security: ["client", "bearer"],
    form: Type.Object({ ...TOKEN_FORM, expiration_time: EXPIRATION_TIME }),
    example: { token: "$TOKEN", expiration_time: "60" },
    answer: ShortenAnswer,
    statuses: REFUSED,
  },
  {
    name: "revocationFeed",
    method: "GET",
    path: `${REALM}/revocations:feed`,
    summary: "Tells whoever validates tokens by itself of those that end before their time, as server-sent events.",
    description:
      "Asked by an application that is an introspector of the audience, by Basic, or with a bearer token that has the scope tokens:introspect. Events: `hello` first; `end` for a token, with the SHA-256 of its `jti`, the second, and for one that was shortened its new `exp`; `heartbeat` every second while nothing is untold. Each names the one before as `previous`. `Last-Event-ID` goes on where a connection was lost.",
    security: ["client", "bearer"],
    query: Type.Object({ audience: text("The identifier of a resource server: whose tokens are meant.") }),
    answer: text("Server-sent events, for as long as the connection lasts."),
    answerType: "text/event-stream",
    statuses: {
      ...REFUSED,
      403: "The client is no introspector of this audience, or the token lacks the scope.",
      429: "The caller has twenty connections already.",
    },
  },
  {
    name: "statusLists",
    method: "GET",
    path: `${REALM}/status-lists`,
    summary: "Tells where the realm's Token Status Lists are.",
    security: [],
    answer: Type.Object({ status_lists: Type.Array(text("Where a list is.")) }),
    statuses: { 404: "There is no such realm." },
  },
  {
    name: "statusList",
    method: "GET",
    path: `${REALM}/status-lists/{list}`,
    summary: "A Token Status List: a bit for each token whose application asks for one, 1 if it ended before its time.",
    description:
      "A signed JWT (draft-ietf-oauth-status-list) that may be kept for half a minute. Where its bit is, a token says in `status.status_list`.",
    security: [],
    answer: text("A JWT of the type statuslist+jwt."),
    answerType: "application/statuslist+jwt",
    statuses: { 404: "There is no such realm or list." },
  },
  {
    name: "userinfo",
    method: "GET",
    path: `${APPLICATION}/userinfo`,
    summary: "Tells who logged in, as far as the token's scopes go (OpenID Connect Core §5.3).",
    security: ["bearer"],
    answer: Document,
    statuses: BEARER_REFUSED,
  },
  {
    name: "openidConfiguration",
    method: "GET",
    path: `${APPLICATION}/.well-known/openid-configuration`,
    summary: "What the application's issuer can do, and where (OpenID Connect Discovery, RFC 8414).",
    security: [],
    answer: Document,
    statuses: { 404: "There is no such application." },
  },
  {
    name: "jwks",
    method: "GET",
    path: `${APPLICATION}/.well-known/jwks.json`,
    summary: "The public keys that the realm's tokens are signed with (RFC 7517).",
    security: [],
    answer: Document,
    statuses: { 404: "There is no such application." },
  },
];

function text(description: string, rules: Readonly<Record<string, unknown>> = {}): TSchema {
  return Type.Unsafe<string>({ type: "string", ...(description === "" ? {} : { description }), ...rules });
}

function optional(description: string): TSchema {
  return Type.Optional(text(description));
}
