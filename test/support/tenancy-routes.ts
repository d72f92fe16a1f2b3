import assert from "node:assert/strict";
import type { Route } from "../../src/http/route.ts";
import { applicationPath, type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import { formatLinkToken } from "../../src/protocol/opaque-token.ts";
import { loginPath } from "../../src/resources/authorization-request/rules.ts";
import { fillPath } from "./fill-path.ts";
import { type Answer, call, postForm } from "./http.ts";
import { assertInvalidClient, assertInvalidGrant, assertRefused } from "./refusals.ts";
import { EMBEDDED_ATTACKS } from "./tenancy-embedded.ts";
import { FEED_ATTACKS } from "./tenancy-feeds.ts";
import { basicOf, bearerOf, HOLDER_ATTACKS } from "./tenancy-holders.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";
import { authorizeParameters } from "./test-browser.ts";
import { type CodeFlow, REDIRECT_URI, type Tokens } from "./test-code-flow.ts";

// What another tenant's client, person and administrator send to a tenant's routes, or say of its tokens at their own. Management
// routes need no entry: the registry says all that there is to know of them.

/** The other tenant, with credentials of every kind. */
export interface Stranger {
  readonly flow: CodeFlow;
  readonly tokens: Tokens;
  readonly managementToken: string;
}

export interface Attack {
  readonly used: TenantInUse;
  readonly stranger: Stranger;
}

type Attacks = Readonly<Record<string, (attack: Attack) => Promise<readonly Answer[]>>>;

/** By method and name of the route; each checks its answers and returns them, to be searched for what nobody may see. */
export const ATTACKS: Attacks = {
  "POST token": async ({ used, stranger }) => {
    const url = `${used.flow.application.issuer}/token`;
    const code = { grant_type: "authorization_code", code: used.code, code_verifier: used.codeVerifier };
    const refresh = { grant_type: "refresh_token", refresh_token: used.refresh };
    const there = await Promise.all([code, refresh].map((form) => postForm(url, form, basicOf(stranger))));
    for (const answer of there) assertInvalidClient(answer);
    const own = { ...code, redirect_uri: REDIRECT_URI };
    const here = [await stranger.flow.exchange({ ...used, verifier: used.codeVerifier, identityId: "", grantId: "" })];
    here.push(await stranger.flow.tenant.token(stranger.flow.application, own));
    here.push(await stranger.flow.refresh(used.refresh));
    for (const answer of here) assertInvalidGrant(answer);
    return [...there, ...here];
  },
  "POST introspect": (attack) =>
    introspect(attack, (flow) => `${flow.tenant.server.url}${realmPath(flow.tenant.realm)}`),
  "POST introspectAlias": (attack) => introspect(attack, (flow) => flow.application.issuer),
  ...HOLDER_ATTACKS,
  ...FEED_ATTACKS,
  "GET GetServiceProviderConfig": (attack) => published(attack, "ServiceProviderConfig"),
  "GET ListResourceTypes": (attack) => published(attack, "ResourceTypes"),
  "GET GetResourceType": (attack) => published(attack, "ResourceTypes/User"),
  "GET ListSchemas": (attack) => published(attack, "Schemas"),
  "GET GetSchema": (attack) => published(attack, "Schemas/urn:ietf:params:scim:schemas:core:2.0:User"),
  "GET userinfo": ({ used, stranger }) => userinfo({ used, stranger }, "GET"),
  "POST userinfo": ({ used, stranger }) => userinfo({ used, stranger }, "POST"),
  "GET authorize": async ({ used, stranger }) => {
    const parameters = authorizeParameters(stranger.flow.application, stranger.flow.identityId);
    const answer = await call(`${used.flow.application.issuer}/authorize?${new URLSearchParams(parameters)}`);
    return [stays(answer)];
  },
  "POST authorizeByPost": async ({ used, stranger }) => {
    const parameters = authorizeParameters(stranger.flow.application, stranger.flow.identityId);
    return [stays(await postForm(`${used.flow.application.issuer}/authorize`, parameters))];
  },
  "GET authorizeComplete": async ({ used, stranger }) => {
    const query = `authorize/complete?request=${used.verifiedRequestId}`;
    const own = cookiesOf(used.verifiedBrowser.cookies);
    return [
      stays(await call(`${used.flow.application.issuer}/${query}`)),
      stays(await call(`${stranger.flow.application.issuer}/${query}`)),
      stays(await call(`${stranger.flow.application.issuer}/${query}`, { headers: own })),
    ];
  },
  "GET login": ({ used, stranger }) => login({ used, stranger }, (url, headers) => call(url, { headers })),
  "POST loginByPost": ({ used, stranger }) =>
    login({ used, stranger }, (url, headers) => postForm(url, { action: "cancel" }, headers)),
  "GET invokeAuthenticator": async ({ used, stranger }) => {
    const { tenant, ids } = used;
    const there = `${tenant.server.url}${realmPath(tenant.realm)}/identities/${ids.identity}/credential-binding-jobs/${ids.job}`;
    const here = there.replace(realmPath(tenant.realm), realmPath(stranger.flow.tenant.realm));
    const query = new URL(String(ids.link)).search;
    const other = formatLinkToken(Buffer.alloc(32));
    return [
      stays(await call(`${here}:invokeAuthenticator${query}`)),
      stays(await call(`${there}:invokeAuthenticator?token=${other}`)),
      stays(await call(`${there}:invokeAuthenticator`)),
    ];
  },
  "GET bind": (attack) => bind(attack, (url, link) => call(`${url}?${new URLSearchParams(link)}`)),
  "POST bindByPost": (attack) => bind(attack, (url, link) => postForm(url, { ...link, credential: "{}" })),
  "GET account": (attack) => account(attack, (url, headers) => call(url, { headers })),
  // Whoever likes begins one at the realm's own address: then it is that browser's, and nobody's.
  "GET accountLogin": ({ used, stranger }) => accountElsewhere({ used, stranger }, (url) => call(`${url}/login`)),
  "GET accountLoginFinish": (attack) => login(attack, (url, headers) => call(`${url}/account`, { headers })),
  "POST accountByPost": (attack) =>
    account(attack, (url, headers) => postForm(url, { action: "sign_out", form_token: "x" }, headers)),
  ...EMBEDDED_ATTACKS,
  "GET endSession": (attack) =>
    endSession(attack, (url, parameters, headers) => call(`${url}?${new URLSearchParams(parameters)}`, { headers })),
  "POST endSessionByPost": (attack) =>
    endSession(attack, (url, parameters, headers) => postForm(url, { ...parameters, form_token: "x" }, headers)),
  // At the realm's issuer the client says which one it is.
  "POST tokenAtRealm": (attack) =>
    atRealm(attack, "token", { grant_type: "authorization_code", code: attack.used.code }),
  "POST previewTokenAtRealm": (attack) =>
    atRealm(attack, "tokens:preview", { grant_type: "authorization_code", subject: attack.used.flow.identityId }),
  "POST revokeAtRealm": (attack) => atRealm(attack, "revoke", { token: attack.used.access }),
  "POST shortenAtRealm": (attack) => atRealm(attack, "shorten", { token: attack.used.access, expiration_time: "1" }),
  "GET userinfoAtRealm": (attack) => userinfo(attack, "GET", realmIssuerOf),
  "POST userinfoAtRealm": (attack) => userinfo(attack, "POST", realmIssuerOf),
  "GET authorizeAtRealm": async ({ used, stranger }) => {
    const parameters = authorizeParameters(stranger.flow.application, stranger.flow.identityId);
    return [stays(await call(`${realmIssuerOf(used.flow)}/authorize?${new URLSearchParams(parameters)}`))];
  },
  "POST authorizeByPostAtRealm": async ({ used, stranger }) => {
    const parameters = authorizeParameters(stranger.flow.application, stranger.flow.identityId);
    return [stays(await postForm(`${realmIssuerOf(used.flow)}/authorize`, parameters))];
  },
  "GET endSessionAtRealm": async ({ used, stranger }) => {
    const hint = new URLSearchParams({ id_token_hint: stranger.tokens.idToken });
    return [stays(await call(`${realmIssuerOf(used.flow)}/end-session?${hint}`))];
  },
  "POST endSessionByPostAtRealm": async ({ used, stranger }) => {
    const hint = { id_token_hint: stranger.tokens.idToken, form_token: "x" };
    return [stays(await postForm(`${realmIssuerOf(used.flow)}/end-session`, hint))];
  },
  "GET openidConfigurationAtRealm": (attack) =>
    realmDocument(attack, (path) => `${path}/.well-known/openid-configuration`),
  "GET oauthAuthorizationServerAtRealm": (attack) =>
    realmDocument(attack, (path) => `${path}/.well-known/oauth-authorization-server`),
  "GET openidConfigurationInsertedAtRealm": (attack) =>
    realmDocument(attack, (path) => `/.well-known/openid-configuration${path}`),
  "GET oauthAuthorizationServerInsertedAtRealm": (attack) =>
    realmDocument(attack, (path) => `/.well-known/oauth-authorization-server${path}`),
  "GET jwksAtRealm": (attack) => keysOf(attack, realmIssuerOf),
  // Metadata and keys are for everybody; they must speak of the application in the path alone.
  "GET openidConfiguration": ({ used }) => document(used, (path) => `${path}/.well-known/openid-configuration`),
  "GET oauthAuthorizationServer": ({ used }) =>
    document(used, (path) => `${path}/.well-known/oauth-authorization-server`),
  "GET openidConfigurationInserted": ({ used }) => document(used, (path) => `/.well-known/openid-configuration${path}`),
  "GET oauthAuthorizationServerInserted": ({ used }) =>
    document(used, (path) => `/.well-known/oauth-authorization-server${path}`),
  "GET jwks": (attack) => keysOf(attack, ({ application }) => application.issuer),
  "DELETE DeleteTenant": (attack) => operate(attack, "DELETE", ""),
  "GET GetTenantQuotas": (attack) => operate(attack, "GET", "/quotas"),
  "PATCH UpdateTenantQuotas": (attack) => operate(attack, "PATCH", "/quotas"),
};

// Another tenant's administrator is no operator, nor is the tenant's own.
async function operate({ used, stranger }: Attack, method: string, path: string): Promise<Answer[]> {
  const url = `${used.tenant.server.url}/v1/tenants/${used.tenant.tenantId}${path}`;
  const body = method === "PATCH" ? { body: JSON.stringify({ quotas: { max_identities: 1 } }) } : {};
  const answers: Answer[] = [];
  for (const token of [stranger.managementToken, await used.tenant.managementToken()]) {
    const answer = await call(url, { method, headers: bearerOf(token), ...body });
    assert.equal(answer.status, 401, answer.text);
    answers.push(answer);
  }
  return answers;
}

function cookiesOf(cookies: ReadonlyMap<string, string>): Record<string, string> {
  return { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
}

/** A page of ours, which sends nobody anywhere and holds no code. */
function stays(answer: Answer): Answer {
  assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status} ${answer.headers.get("location")}`);
  assert.equal(answer.headers.get("location"), null);
  return answer;
}

async function introspect({ used, stranger }: Attack, placeOf: (flow: CodeFlow) => string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const token of [used.access, used.refresh, used.jobToken, used.code]) {
    const form = { token, token_type_hint: token === used.refresh ? "refresh_token" : "access_token" };
    const there = `${placeOf(used.flow)}/introspect`;
    const here = `${placeOf(stranger.flow)}/introspect`;
    const foreign = await postForm(there, form, basicOf(stranger));
    const bearer = await postForm(there, form, bearerOf(stranger.managementToken));
    assertInvalidClient(foreign);
    assertRefused(bearer, 401, "invalid_token");
    const own = [
      await postForm(here, form, basicOf(stranger)),
      await postForm(here, form, bearerOf(stranger.managementToken)),
    ];
    for (const answer of own) assert.deepEqual([answer.status, answer.json], [200, { active: false }]);
    answers.push(foreign, bearer, ...own);
  }
  return answers;
}

function realmIssuerOf({ tenant }: CodeFlow): string {
  return `${tenant.server.url}${realmPath(tenant.realm)}`;
}

async function atRealm({ used, stranger }: Attack, path: string, form: Record<string, string>): Promise<Answer[]> {
  const answer = await postForm(`${realmIssuerOf(used.flow)}/${path}`, form, basicOf(stranger));
  assertInvalidClient(answer);
  return [answer];
}

async function realmDocument({ used, stranger }: Attack, pathOf: (realm: string) => string): Promise<Answer[]> {
  const at = (realm: string) => call(`${used.tenant.server.url}${pathOf(realm)}`);
  const answer = await at(realmPath(used.tenant.realm));
  assert.equal(answer.json?.issuer, realmIssuerOf(used.flow));
  const mixed = await at(realmPath({ ...used.tenant.realm, tenantId: stranger.flow.tenant.tenantId }));
  assert.equal(mixed.status, 404);
  return [answer, mixed];
}

async function keysOf({ used, stranger }: Attack, issuerOf: (flow: CodeFlow) => string): Promise<Answer[]> {
  const [theirs, own] = await Promise.all(
    [used.flow, stranger.flow].map((flow) => call(`${issuerOf(flow)}/.well-known/jwks.json`)),
  );
  assert.ok(theirs && own);
  assert.notEqual(theirs.text, own.text, "two realms have one key set");
  return [theirs];
}

async function userinfo(
  { used, stranger }: Attack,
  method: "GET" | "POST",
  issuerOf = ({ application }: CodeFlow): string => application.issuer,
): Promise<Answer[]> {
  const pairs = [
    [issuerOf(used.flow), stranger.tokens.access],
    [issuerOf(used.flow), stranger.managementToken],
    [issuerOf(stranger.flow), used.access],
  ] as const;
  const answers = await Promise.all(
    pairs.map(([issuer, token]) => call(`${issuer}/userinfo`, { method, headers: bearerOf(token) })),
  );
  for (const answer of answers) assertRefused(answer, 401, "invalid_token");
  return answers;
}

async function login(
  { used, stranger }: Attack,
  send: (url: string, headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer[]> {
  const { url } = stranger.flow.tenant.server;
  const owner = cookiesOf(used.openLogin.browser.cookies);
  const moved = loginPath({ ...stranger.flow.tenant.realm, id: used.openRequestId });
  return [
    stays(await send(used.openLogin.url, {})),
    stays(await send(`${url}${moved}`, {})),
    stays(await send(`${url}${moved}`, owner)),
  ];
}

/** An account is opened by the session's secret alone, and in its own realm: neither its name nor another realm's cookie does. */
async function account(
  { used, stranger }: Attack,
  send: (url: string, headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer[]> {
  const at = (realm: RealmKey): string => `${used.tenant.server.url}/authenticator${realmPath(realm)}/account`;
  const cookieAt = (realm: RealmKey, value: string) => ({ cookie: `mayfly-${realm.realmId}=${value}` });
  const { realm } = used.tenant;
  const { realm: own } = stranger.flow.tenant;
  const guessed = `${used.sessions.sessionId}.${"A".repeat(43)}`;
  return [
    stays(await send(at(realm), {})),
    stays(await send(at(realm), cookieAt(realm, guessed))),
    stays(await send(at(own), cookieAt(own, guessed))),
    stays(await send(at({ ...realm, tenantId: own.tenantId }), cookieAt(realm, guessed))),
  ];
}

/** There is no account page of one tenant's realm in another tenant. */
async function accountElsewhere(
  { used, stranger }: Attack,
  send: (url: string) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const [realm, own] = [used.tenant.realm, stranger.flow.tenant.realm];
  const mixed = [
    { ...realm, tenantId: own.tenantId },
    { ...own, tenantId: realm.tenantId },
  ];
  const urls = mixed.map((one) => `${used.tenant.server.url}/authenticator${realmPath(one)}/account`);
  return Promise.all(urls.map(async (url) => stays(await send(url))));
}

/** Whose session it is, only its cookie's secret proves; neither its name nor an ID token of another tenant does. */
async function endSession(
  { used, stranger }: Attack,
  send: (url: string, form: Record<string, string>, headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer[]> {
  const url = `${used.flow.application.issuer}/end-session`;
  const hint = { id_token_hint: stranger.tokens.idToken, post_logout_redirect_uri: REDIRECT_URI };
  const value = `${used.sessions.sessionId}.${"A".repeat(43)}`;
  const answer = await send(url, hint, { cookie: `mayfly-${used.tenant.realm.realmId}=${value}` });
  assert.deepEqual([answer.status, answer.headers.get("location")], [200, null]);
  assert.match(answer.text, /You are signed out/);
  return [answer];
}

async function document({ flow }: TenantInUse, pathOf: (application: string) => string): Promise<Answer[]> {
  const answer = await call(`${flow.tenant.server.url}${pathOf(applicationPath(flow.application.key))}`);
  assert.equal(answer.status, 200);
  assert.equal(answer.json?.issuer, flow.application.issuer);
  return [answer];
}

/** What SCIM says of itself is no secret, and nothing of it is the tenant's but its address. */
async function published({ used, stranger }: Attack, path: string): Promise<Answer[]> {
  const at = (realm: string) => call(`${used.tenant.server.url}${realm}/scim/v2/${path}`);
  const answer = await at(realmPath(used.tenant.realm));
  assert.equal(answer.status, 200, answer.text);
  const { realmId } = stranger.flow.tenant.realm;
  const mixed = await at(realmPath({ tenantId: used.tenant.tenantId, realmId }));
  assert.equal(mixed.status, 404, mixed.text);
  return [answer, mixed];
}

/** A management route at the tenant's path, called with a token of another tenant that holds every scope of every realm. */
export async function callManagementRoute({ used, stranger }: Attack, route: Route): Promise<Answer[]> {
  const { tenant, flow } = used;
  const ids: Readonly<Record<string, string>> = {
    ...used.ids,
    tenant: tenant.tenantId,
    realm: tenant.realm.realmId,
    application: flow.application.key.applicationId,
    token_id: used.tokenId,
    trace: used.traceId,
    event: used.tokenId,
  };
  const own = { tenant: stranger.flow.tenant.tenantId };
  const mixed = { ...own, realm: stranger.flow.tenant.realm.realmId };
  const answers: Answer[] = [];
  // At its path, and at the stranger's own path with its ids: first all of them, then those below the realm.
  for (const [index, changed] of [{}, own, mixed].entries()) {
    const path = fillPath(route.path, (name) => idOf({ ...ids, ...changed }, name));
    const answer = await call(`${tenant.server.url}${path}`, {
      method: route.method,
      headers: { ...bearerOf(stranger.managementToken), "content-type": "application/json" },
      ...(route.operation?.body === undefined ? {} : { body: JSON.stringify({ seconds: 1 }) }),
    });
    if (index === 0) assert.equal(answer.status, 403, `${route.name}: ${answer.text}`);
    else assert.ok(answer.status < 500, `${route.name}: ${answer.text}`);
    answers.push(answer);
  }
  return answers;
}

function idOf(ids: Readonly<Record<string, string>>, name: string): string {
  const id = ids[name];
  assert.ok(id !== undefined, `a path has the parameter ${name}, of which tenancy-routes.ts knows no id`);
  return id;
}

/** The page of a link: in another realm, and with another token. */
async function bind(
  { used, stranger }: Attack,
  send: (url: string, link: Readonly<Record<string, string>>) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const { tenant, ids } = used;
  const at = (realm: RealmKey): string => `${tenant.server.url}/authenticator${realmPath(realm)}/bind`;
  const token = new URL(String(ids.link)).searchParams.get("token") ?? "";
  const link = { identity_id: String(ids.identity), job_id: String(ids.job), token };
  return [
    stays(await send(at(stranger.flow.tenant.realm), link)),
    stays(await send(at(tenant.realm), { ...link, token: formatLinkToken(Buffer.alloc(32)) })),
  ];
}
