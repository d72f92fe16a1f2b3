import assert from "node:assert/strict";
import { hexId } from "../../src/platform/random.ts";
import type { Answer } from "./http.ts";
import { type ConfigBody, type TestClient, TOKENS, testWorld, type WorldOptions } from "./test-client.ts";
import { type TestGrant, type TestGrantOptions, testGrant } from "./test-grant.ts";
import { type TestRole, testRole } from "./test-role.ts";

export const REDIRECT_URI = "https://client.example/callback";
/** Refresh tokens of an hour that rotate. */
export const REFRESH = { enabled: true, absolute_duration: 3_600, rotate: true, grace_seconds: 10 };

/** The tokens of one response. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  readonly idToken: string;
  readonly scope: string;
  readonly traceId: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** An application that people log in to, a person who holds a role with all scopes, and the requests of a login's end. */
export interface CodeFlow extends TestClient {
  readonly identityId: string;
  readonly role: TestRole;
  grant(options?: TestGrantOptions): Promise<TestGrant>;
  exchange(grant: TestGrant, form?: Readonly<Record<string, string>>): Promise<Answer>;
  refresh(token: string, form?: Readonly<Record<string, string>>): Promise<Answer>;
  /** A login and its exchange, which must succeed. */
  logIn(options?: TestGrantOptions, form?: Readonly<Record<string, string>>): Promise<Tokens>;
}

/** Makes an OpenID Connect application for `authorization_code`; confidential, with PKCE and refresh tokens. */
export async function testCodeFlow(options: WorldOptions = {}): Promise<CodeFlow> {
  const { tenant, resourceServer } = await testWorld(options);
  const application = await tenant.addApplication(
    {
      authenticator_config_id: await tenant.addAuthenticatorConfig(),
      protocol_config: configOf(options, resourceServer.settings.scopes),
    },
    resourceServer,
  );
  const identityId = await tenant.addIdentity(`${hexId(tenant.server.deps.random)}@example.com`);
  const role = await testRole(tenant, resourceServer, resourceServer.settings.scopes);
  await role.addMember(identityId);
  const isPublic = options.config?.confidentiality === "public";
  const named = isPublic ? { client_id: application.clientId } : {};
  const flow: CodeFlow = {
    tenant,
    resourceServer,
    application,
    identityId,
    role,
    grant: (login = {}) => testGrant(tenant, application, { identityId, ...login }),
    exchange: ({ code, verifier }, form = {}) => {
      const sent = { grant_type: "authorization_code", code, code_verifier: verifier, ...named };
      return tenant.token(application, { ...sent, ...form });
    },
    refresh: (refresh_token, form = {}) =>
      tenant.token(application, { grant_type: "refresh_token", refresh_token, ...named, ...form }),
    logIn: async (login = {}, form = {}) => tokensOf(await flow.exchange(await flow.grant(login), form)),
  };
  return flow;
}

function configOf(options: WorldOptions, scopes: readonly string[]): ConfigBody {
  return {
    type: "oidc",
    grant_type: ["authorization_code"],
    allowed_scopes: [...scopes],
    redirect_uris: [REDIRECT_URI],
    pkce: "s256",
    token_configuration: { ...TOKENS, ...options.tokens },
    refresh_token_configuration: REFRESH,
    ...options.config,
  };
}

/** The tokens of an answer, which must be 200. */
export function tokensOf(answer: Answer): Tokens {
  assert.equal(answer.status, 200, answer.text);
  const json = answer.json ?? {};
  return {
    access: String(json.access_token),
    refresh: String(json.refresh_token ?? ""),
    idToken: String(json.id_token ?? ""),
    scope: String(json.scope),
    traceId: answer.headers.get("x-trace-id") ?? "",
    json,
  };
}
