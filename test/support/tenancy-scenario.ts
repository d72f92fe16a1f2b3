import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { SentStatement } from "../../src/database/database.ts";
import { reconcileFile } from "../../src/declarative/reconcile.ts";
import { hexId } from "../../src/platform/random.ts";
import { realmPath } from "../../src/protocol/client-metadata.ts";
import { markSigningKeyCompromised } from "../../src/resources/signing-key/queries.ts";
import { eventsOf } from "./events.ts";
import { type Answer, call, postForm } from "./http.ts";
import { mailsOf, newAddress, WRONG_CODE } from "./login-flow.ts";
import { managementClient } from "./management-client.ts";
import { type UsedEmbedded, useEmbedded } from "./tenancy-embedded.ts";
import { useFeed } from "./tenancy-feeds.ts";
import { TEST_CODE, type TestBrowser, type TestLogin, testLogin } from "./test-browser.ts";
import { testClient } from "./test-client.ts";
import { type CodeFlow, type Tokens, testCodeFlow } from "./test-code-flow.ts";
import { sharedServer } from "./test-server.ts";
import { type TestApplication, type TestResourceServer, type TestTenant, testTenant } from "./test-tenant.ts";
import { useManagementApi } from "./uses/index.ts";
import { type UsedSessions, useSessions } from "./uses/sessions.ts";

// One tenant that uses everything there is. Whoever adds a feature that another tenant must not see, adds its use here.

/** A tenant in use, with all that could be taken from it. */
export interface TenantInUse {
  readonly tenant: TestTenant;
  readonly flow: CodeFlow;
  readonly resourceServer: TestResourceServer;
  readonly person: { readonly identityId: string; readonly email: string };
  /** the client that acts for itself */
  readonly job: TestApplication;
  readonly jobToken: string;
  /** a client whose tokens are dead, because their key is known to others */
  readonly compromised: { readonly application: TestApplication; readonly token: string };
  /** of a person, alive, whose role comes through a group */
  readonly access: string;
  readonly refresh: string;
  readonly verifier: string;
  /** of a person who is a member of the role itself */
  readonly direct: Tokens;
  /** an authorization code that was not exchanged */
  readonly code: string;
  readonly codeVerifier: string;
  /** a login that waits for its code, and one whose person is known; ids of authorization requests */
  readonly openLogin: TestLogin;
  readonly openRequestId: string;
  readonly verifiedRequestId: string;
  readonly verifiedBrowser: TestBrowser;
  readonly sessions: UsedSessions;
  readonly embedded: UsedEmbedded;
  /** of a token request that was granted */
  readonly traceId: string;
  /** of the access token, as lists show it */
  readonly tokenId: string;
  /** of what the management API made, by the names of path parameters */
  readonly ids: Readonly<Record<string, string>>;
  /** what the tenant's requests sent */
  readonly sent: readonly SentStatement[];
}

/** Makes a tenant that has used every feature. */
export async function tenantInUse(): Promise<TenantInUse> {
  (await sharedServer()).sent.length = 0;
  const tenant = await testTenant();
  const flow = await testCodeFlow({ tenant });
  const { resourceServer, application } = flow;
  const email = newAddress(tenant);
  const identityId = await tenant.addIdentity(email);
  await flow.role.addGroupOf([identityId]);
  const { application: job } = await testClient({ tenant, server: resourceServer });
  const jobToken = accessOf(await tenant.token(job, { grant_type: "client_credentials" }));
  const direct = await flow.logIn();
  const tokens = await logIn(flow, email);
  const unspent = await flow.grant({ identityId });
  const { openLogin, verified } = await beginLogins(flow, email);
  const sessions = await useSessions(flow, email);
  const embedded = await useEmbedded(tenant);
  const refused = await tenant.token(application, { grant_type: "refresh_token", refresh_token: "mayfly_rt_x" });
  const asked = await useTokens(flow, tokens);
  await useFeed({ tenant, resourceServer });
  await endTokens(flow);
  await manage(tenant, { job, traceIds: [refused.headers.get("x-trace-id") ?? "", asked] });
  await declare(tenant);
  const ids = await useManagementApi({ tenant, api: managementClient(tenant) }, { identity: identityId });
  assert.ok((await mailsOf(tenant)).length > 0);
  return {
    ...tokens,
    direct,
    tenant,
    flow,
    resourceServer,
    person: { identityId, email },
    job,
    jobToken,
    compromised: await compromise(flow),
    code: unspent.code,
    codeVerifier: unspent.verifier,
    openLogin,
    openRequestId: requestIdOf(openLogin),
    verifiedRequestId: requestIdOf(verified),
    verifiedBrowser: verified.browser,
    sessions,
    embedded,
    traceId: asked,
    tokenId: String(decodeJwt(tokens.access).jti),
    ids,
    sent: tenant.server.sent.filter((one) => one.tenantIds.includes(tenant.tenantId) && !isBackground(one)),
  };
}

function accessOf(answer: Answer): string {
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json?.access_token);
}

function requestIdOf(login: TestLogin): string {
  return login.url.split("/").at(-1) ?? "";
}

async function logIn(
  { tenant, application }: CodeFlow,
  email: string,
): Promise<Pick<TenantInUse, "access" | "refresh" | "verifier">> {
  const login = await testLogin(tenant, application, { parameters: { scope: "openid email shoes:read" } });
  const location = await login.finish(await login.logIn(email));
  const answer = await tenant.token(application, {
    grant_type: "authorization_code",
    code: location.searchParams.get("code") ?? "",
    code_verifier: login.verifier,
  });
  return { access: accessOf(answer), refresh: String(answer.json?.refresh_token), verifier: login.verifier };
}

/** Logins at every stop on their way: another address, a wrong code, one cancelled, one open, one nearly done. */
async function beginLogins({ tenant, application }: CodeFlow, email: string) {
  const mailed = (await mailsOf(tenant)).length;
  const openLogin = await testLogin(tenant, application);
  await openLogin.submit("send", { email: newAddress(tenant) });
  await openLogin.submit("other_address");
  await openLogin.submit("send", { email });
  await openLogin.submit("verify", { code: WRONG_CODE });
  const cancelled = await testLogin(tenant, application);
  await cancelled.finish(await cancelled.submit("cancel"));
  const verified = await testLogin(tenant, application);
  await verified.submit("send", { email });
  // Before it is used: a code that works no more is not mailed.
  assert.equal((await mailsOf(tenant)).length, mailed + 2);
  await verified.submit("verify", { code: TEST_CODE });
  return { openLogin, verified };
}

/** @returns the trace id of a token request that was granted */
async function useTokens(
  flow: CodeFlow,
  { access, refresh }: Pick<TenantInUse, "access" | "refresh">,
): Promise<string> {
  const { tenant, application } = flow;
  assert.equal((await tenant.introspect(application, access)).active, true);
  assert.equal((await tenant.introspect(application, refresh)).active, true);
  const bearer = { authorization: `Bearer ${await tenant.managementToken()}` };
  const path = `${tenant.server.url}${realmPath(tenant.realm)}/introspect`;
  assert.equal((await postForm(path, { token: access }, bearer)).json?.active, true);
  const userinfo = await call(`${application.issuer}/userinfo`, { headers: { authorization: `Bearer ${access}` } });
  assert.equal(userinfo.status, 200, userinfo.text);
  for (const document of ["openid-configuration", "jwks.json"]) {
    assert.equal((await call(`${application.issuer}/.well-known/${document}`)).status, 200);
  }
  return (await flow.logIn()).traceId;
}

/** Rotates, revokes and reuses tokens of their own, so that the others live on. */
async function endTokens(flow: CodeFlow): Promise<void> {
  const { application, tenant } = flow;
  const { access, refresh } = await flow.logIn();
  assert.equal((await flow.refresh(refresh)).status, 200);
  const authorization = { authorization: application.authorization };
  for (const token of [access, refresh]) {
    const revoked = await postForm(`${application.issuer}/revoke`, { token }, authorization);
    assert.equal(revoked.status, 200, revoked.text);
  }
  const grant = await flow.grant();
  await flow.exchange(grant);
  assert.equal((await flow.exchange(grant)).status, 400);
  await tenant.advance(1);
}

async function compromise({ tenant, resourceServer }: CodeFlow): Promise<TenantInUse["compromised"]> {
  const { database, clock } = tenant.server.deps;
  const tokens = { token_signing_algorithm: "EdDSA" as const };
  const { application } = await testClient({ tenant, server: resourceServer, tokens });
  const token = accessOf(await tenant.token(application, { grant_type: "client_credentials" }));
  const keyId = decodeProtectedHeader(token).kid ?? "";
  const db = database.tenants([tenant.tenantId]);
  await markSigningKeyCompromised(db, tenant.realm, { keyId, at: clock.nowSeconds() });
  return { application, token };
}

async function manage(tenant: TestTenant, used: { job: TestApplication; traceIds: readonly string[] }): Promise<void> {
  const tokens = `/applications/${used.job.key.applicationId}/tokens`;
  const listed = await tenant.manage("GET", tokens);
  assert.equal(listed.json?.total_size, 1, listed.text);
  const another = accessOf(await tenant.token(used.job, { grant_type: "client_credentials" }));
  assert.equal((await tenant.manage("DELETE", `${tokens}/${decodeJwt(another).jti}`)).status, 200);
  for (const query of ["order=oldest_first", "order=newest_first", "filter=type+pr"]) {
    const events = await tenant.manage("GET", `/events?${query}`);
    const [event] = eventsOf(events);
    assert.equal((await tenant.manage("GET", `/events/${event?.id}`)).status, 200);
  }
  for (const traceId of used.traceIds) {
    const decision = await tenant.manage("GET", `/decisions/${traceId}`);
    assert.equal(decision.status, 200, decision.text);
  }
}

/** A second realm, declared, changed and pruned. */
async function declare(tenant: TestTenant): Promise<void> {
  const { deps } = tenant.server;
  const directory = await mkdtemp(join(tmpdir(), "mayfly-tenancy-"));
  const file = join(directory, "mayfly.yaml");
  const realmId = hexId(deps.random);
  for (const clerks of ["[ann, bob]", "[bob]"]) {
    await writeFile(file, declaration(tenant.tenantId, realmId, clerks));
    await reconcileFile(deps, file, {});
  }
  await rm(directory, { recursive: true });
}

function declaration(tenantId: string, realmId: string, clerks: string): string {
  return `version: 1
tenants:
  - id: "${tenantId}"
    display_name: Declared ${clerks.length}
    test: true
    realms:
      - id: "${realmId}"
        display_name: Declared ${clerks.length}
        resource_servers:
          - identifier: urn:declared
            display_name: Declared
            scopes: [a, b]
            roles: [{display_name: Clerks, scopes: [a], groups: [Staff], identities: ${clerks}}]
        authenticator_configs: [{display_name: Login, config: {type: hosted_web}}]
        groups: [{display_name: Staff, members: ${clerks}}]
        identities:
          - {display_name: Ann, traits: {type: traits_v0, username: ann}}
          - {display_name: Bob, traits: {type: traits_v0, username: bob}}
`;
}

// What a node counts it exchanges for many tenants at once, whenever it is time: no request sends it.
function isBackground({ statement, tenantIds }: SentStatement): boolean {
  return /^(live_count|token_usage)\./.test(statement.name) && tenantIds.length > 1;
}
