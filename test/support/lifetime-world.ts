import assert from "node:assert/strict";
import { updateTenantSettings } from "../../src/resources/tenant/queries.ts";
import { TENANT_DEFAULTS } from "../../src/resources/tenant/rules.ts";
import type { Answer } from "./http.ts";
import { decodeJwt } from "./jwt.ts";
import {
  type TestClient,
  type TokenConfigurationBody,
  testClient,
  testWorld,
  type WorldOptions,
} from "./test-client.ts";
import { REFRESH, testCodeFlow } from "./test-code-flow.ts";

export const GRANTS = ["client_credentials", "authorization_code", "refresh_token"] as const;
export const FORMATS = ["self_contained", "referential"] as const;
export type GrantName = (typeof GRANTS)[number];

/** The ceilings around an application, and its floor. */
export interface Policies {
  readonly realm?: number;
  readonly floor?: number;
  readonly tenant?: number;
  readonly resourceServer?: number;
  /** for the scope shoes:write */
  readonly scope?: number;
  /** the life of the refresh family; a day unless it says otherwise */
  readonly parent?: number;
}

/** What a case of the table is about. */
export interface Setting {
  readonly grant: GrantName;
  readonly format?: (typeof FORMATS)[number];
  readonly policies?: Policies;
  readonly tokens?: TokenConfigurationBody;
}

/** A client that holds what its grant spends: the same code or refresh token goes with each request. */
export interface Spender extends TestClient {
  /** The token request, with these further parameters, as text where their encoding matters. */
  request(form: Readonly<Record<string, string>>, raw?: string): Promise<Answer>;
  /** The same request with something in the query string. */
  requestWithQuery(query: string): Promise<Answer>;
}

type Around = Omit<TestClient, "application">;

const worlds = new Map<string, Promise<Around>>();

/** A client of its own for each case, in a tenant that cases with the same policies share. */
export async function lifetimeWorld(setting: Setting): Promise<Spender> {
  const around = await worldFor(setting.policies ?? {});
  const { parent } = setting.policies ?? {};
  const options: WorldOptions = {
    tenant: around.tenant,
    server: around.resourceServer,
    tokens: setting.tokens ?? {},
    config: {
      token_format: setting.format ?? "self_contained",
      ...(setting.grant === "client_credentials"
        ? {}
        : { refresh_token_configuration: { ...REFRESH, absolute_duration: parent ?? 86_400 } }),
    },
  };
  const { client, base } = await (setting.grant === "client_credentials"
    ? clientWith(options)
    : personWith(options, setting.grant));
  const url = `${client.application.issuer}/token`;
  const { authorization } = client.application;
  return {
    ...client,
    request: (form, raw) => send(url, authorization, [new URLSearchParams({ ...base, ...form }).toString(), raw ?? ""]),
    requestWithQuery: (query) => send(`${url}?${query}`, authorization, [new URLSearchParams(base).toString()]),
  };
}

interface Ready {
  readonly client: TestClient;
  readonly base: Readonly<Record<string, string>>;
}

async function clientWith(options: WorldOptions): Promise<Ready> {
  return { client: await testClient(options), base: { grant_type: "client_credentials" } };
}

async function personWith(options: WorldOptions, grant: GrantName): Promise<Ready> {
  const flow = await testCodeFlow(options);
  if (grant === "authorization_code") {
    const { code, verifier } = await flow.grant();
    return { client: flow, base: { grant_type: grant, code, code_verifier: verifier } };
  }
  const { refresh } = await flow.logIn();
  return { client: flow, base: { grant_type: grant, refresh_token: refresh } };
}

async function send(url: string, authorization: string, parts: readonly string[]): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
    body: parts.filter((part) => part !== "").join("&"),
  });
  const text = await response.text();
  const json: unknown = JSON.parse(text);
  return { status: response.status, headers: response.headers, text, json: { ...Object(json) } };
}

function worldFor(policies: Policies): Promise<Around> {
  const { parent: _, ...shared } = policies;
  const name = JSON.stringify(shared);
  const known = worlds.get(name);
  if (known !== undefined) return known;
  const made = makeWorld(shared);
  worlds.set(name, made);
  return made;
}

async function makeWorld(policies: Omit<Policies, "parent">): Promise<Around> {
  const { realm, floor, tenant: tenantSeconds, resourceServer, scope } = policies;
  const realmPolicy = {
    ...(realm === undefined ? {} : { max_expires_after: realm }),
    ...(floor === undefined ? {} : { min_expires_after: floor }),
  };
  const world = await testWorld({
    realm: { token_policy: realmPolicy },
    resourceServer: {
      ...(resourceServer === undefined ? {} : { token_policy: { max_expires_after: resourceServer } }),
      ...(scope === undefined ? {} : { scope_policies: [{ scope: "shoes:write", max_expires_after: scope }] }),
    },
  });
  if (tenantSeconds !== undefined) {
    await world.tenant.managementToken(); // kept from here on: the tenant's ceiling is for it too
    const { deps } = world.tenant.server;
    const { tenantId } = world.tenant;
    const settings = {
      ...TENANT_DEFAULTS,
      display_name: "Test tenant",
      token_policy: { max_expires_after: tenantSeconds },
    };
    await updateTenantSettings(deps.database.tenants([tenantId]), tenantId, settings, deps.clock.nowMs());
  }
  return world;
}

/** Token, response, introspection and token list say the same lifetime, to the second (specification section 2). */
export async function assertLives(client: TestClient, answer: Answer, seconds: number): Promise<void> {
  const { tenant, application } = client;
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json?.expires_in, seconds, answer.text);
  const token = String(answer.json?.access_token);
  const facts = await tenant.introspect(application, token);
  assert.equal(facts.active, true);
  assert.equal(Number(facts.exp) - Number(facts.iat), seconds);
  assert.equal(facts.nbf, facts.iat);
  if (token.includes(".")) {
    const { exp, iat, nbf, jti } = decodeJwt(token);
    assert.deepEqual({ exp, iat, nbf, jti }, { exp: facts.exp, iat: facts.iat, nbf: facts.nbf, jti: facts.jti });
  }
  const listed = await tenant.manage("GET", `/applications/${application.key.applicationId}/tokens`);
  const rows = listed.json?.tokens as { id: string; expires: number; issued_at: number }[];
  const row = rows.find(({ id }) => id === facts.jti);
  assert.deepEqual(
    { expires: row?.expires, issued_at: row?.issued_at },
    { expires: facts.exp, issued_at: facts.iat },
    listed.text,
  );
}
