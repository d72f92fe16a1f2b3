import { insertTenantWithAdmin } from "../../src/declarative/tenant-with-admin.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { hexId, uuid } from "../../src/platform/random.ts";
import { type ApplicationKey, issuerOf, type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import { subjectKey } from "../../src/protocol/subject.ts";
import {
  findApplication,
  insertApplication,
  updateApplicationSettings,
} from "../../src/resources/application/queries.ts";
import { type ApplicationSurroundings, createApplication } from "../../src/resources/application/rules.ts";
import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import { insertAuthenticatorConfig } from "../../src/resources/authenticator-config/queries.ts";
import { createAuthenticatorConfig } from "../../src/resources/authenticator-config/rules.ts";
import type { LoginMethod } from "../../src/resources/authorization-request/schema.ts";
import { newClientId, newClientSecret, openClientSecret, sealClientSecret } from "../../src/resources/credentials.ts";
import { insertIdentity, verifyIdentityEmail } from "../../src/resources/identity/queries.ts";
import { createIdentity } from "../../src/resources/identity/rules.ts";
import { insertRealm } from "../../src/resources/realm/queries.ts";
import { createRealm } from "../../src/resources/realm/rules.ts";
import type { RealmBody } from "../../src/resources/realm/schema.ts";
import { insertResourceServer } from "../../src/resources/resource-server/queries.ts";
import { createResourceServer } from "../../src/resources/resource-server/rules.ts";
import type { ResourceServerBody, ResourceServerSettings } from "../../src/resources/resource-server/schema.ts";
import type { Checked } from "../../src/resources/settings.ts";
import { type Answer, basic, call, type Form, postForm } from "./http.ts";
import { sharedServer, type TestServer } from "./test-server.ts";

/** An application of a test, with what its client knows. */
export interface TestApplication {
  readonly key: ApplicationKey;
  readonly clientId: string;
  readonly clientSecret: string;
  /** the issuer; endpoints hang below it */
  readonly issuer: string;
  /** the Authorization header of its credentials */
  readonly authorization: string;
}

export interface TestResourceServer {
  readonly resourceServerId: string;
  readonly settings: ResourceServerSettings;
}

export interface TenantOptions {
  readonly kind?: "production" | "test";
  readonly realm?: Partial<RealmBody>;
  readonly server?: TestServer;
}

/** A tenant of one test: its own realm, applications, people and clock. */
export interface TestTenant {
  readonly server: TestServer;
  readonly tenantId: string;
  readonly realm: RealmKey;
  readonly adminRealm: RealmKey;
  readonly management: TestApplication;
  addResourceServer(body?: Partial<ResourceServerBody>): Promise<TestResourceServer>;
  addApplication(body?: ApplicationBody, resourceServer?: TestResourceServer): Promise<TestApplication>;
  changeApplication(
    application: TestApplication,
    change: (settings: ApplicationBody) => ApplicationBody,
  ): Promise<void>;
  /** @returns the identity's id */
  addIdentity(email: string, traits?: Readonly<Record<string, string>>): Promise<string>;
  /** one of our own pages, by default with the emailed code alone */
  addAuthenticatorConfig(methods?: readonly LoginMethod[]): Promise<string>;
  /** Sends a token request as this application, authenticated unless the form names a client. */
  token(application: TestApplication, form: Form): Promise<Answer>;
  introspect(application: TestApplication, token: string): Promise<Record<string, unknown>>;
  managementToken(scope?: string): Promise<string>;
  /** Calls a management route of the realm, such as `/decisions/…`. */
  manage(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Moves the tenant's clock forward. */
  advance(seconds: number): Promise<void>;
}

/** Makes a tenant in the run's one server (settled 18). */
export async function testTenant(options: TenantOptions = {}): Promise<TestTenant> {
  const server = options.server ?? (await sharedServer());
  const { deps } = server;
  const tenantId = hexId(deps.random);
  const adminKey = { tenantId, realmId: hexId(deps.random), applicationId: uuid(deps.random) };
  const realm = { tenantId, realmId: hexId(deps.random) };
  const settings = accept(createRealm({ display_name: "Customers", ...options.realm }, { isAdmin: false }));
  await deps.database.transaction([tenantId], async (session) => {
    await insertTenantWithAdmin(deps, session, {
      key: adminKey,
      displayName: "Test tenant",
      kind: options.kind ?? "test",
    });
    await insertRealm(session, realm, { isAdmin: false, settings }, deps.clock.nowMs());
  });
  const management = await readApplication(server, adminKey);
  return createTenant({ server, realm, adminRealm: { tenantId, realmId: adminKey.realmId }, management });
}

interface Parts {
  readonly server: TestServer;
  readonly realm: RealmKey;
  readonly adminRealm: RealmKey;
  readonly management: TestApplication;
}

function createTenant(parts: Parts): TestTenant {
  const { server, realm, management } = parts;
  const { tenantId } = realm;
  let kept: string | undefined;
  const managementToken = async (scope?: string): Promise<string> => {
    if (scope === undefined && kept !== undefined) return kept;
    const form = {
      grant_type: "client_credentials",
      expiration_time: "7776000",
      ...(scope === undefined ? {} : { scope }),
    };
    const answer = await postForm(`${management.issuer}/token`, form, { authorization: management.authorization });
    const token = String(answer.json?.access_token);
    if (scope === undefined) kept = token;
    return token;
  };
  const manageUrl = async (method: string, url: string, body?: unknown): Promise<Answer> =>
    call(url, {
      method,
      headers: { authorization: `Bearer ${await managementToken()}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...parts,
    tenantId,
    managementToken,
    ...createNouns(parts),
    token: (application, form) => {
      const namesClient = new URLSearchParams(form).has("client_id");
      return postForm(
        `${application.issuer}/token`,
        form,
        namesClient ? {} : { authorization: application.authorization },
      );
    },
    introspect: async (application, token) => {
      const url = `${server.url}${realmPath(application.key)}/introspect`;
      const answer = await postForm(url, { token }, { authorization: application.authorization });
      if (answer.json === undefined || answer.status !== 200)
        throw new Error(`introspection answered ${answer.status} ${answer.text}`);
      return answer.json;
    },
    manage: (method, path, body) => manageUrl(method, `${server.url}${realmPath(realm)}${path}`, body),
    advance: async (seconds) => {
      const answer = await manageUrl("POST", `${server.url}/v1/tenants/${tenantId}/clock:advance`, { seconds });
      if (answer.status !== 200) throw new Error(`clock:advance answered ${answer.status} ${answer.text}`);
    },
  };
}

type Nouns = Pick<
  TestTenant,
  "addResourceServer" | "addApplication" | "changeApplication" | "addIdentity" | "addAuthenticatorConfig"
>;

function createNouns(parts: Parts): Nouns {
  return { ...createConfiguration(parts), ...createPeople(parts) };
}

function createConfiguration({
  server,
  realm,
}: Parts): Pick<Nouns, "addResourceServer" | "addApplication" | "changeApplication"> {
  const { deps } = server;
  const db = deps.database.tenants([realm.tenantId]);
  return {
    addResourceServer: async (body = {}) => {
      const resourceServerId = uuid(deps.random);
      const whole = {
        display_name: "Shoes",
        identifier: `urn:shoes:${hexId(deps.random)}`,
        scopes: ["shoes:read", "shoes:write"],
        ...body,
      };
      const settings = accept(createResourceServer(whole, { isClientId: false, publicUrl: deps.config.publicUrl }));
      await insertResourceServer(
        db,
        { ...realm, resourceServerId },
        { isManaged: false, settings },
        deps.clock.nowMs(),
      );
      return { resourceServerId, settings };
    },
    addApplication: async (body = {}, resourceServer = undefined) => {
      const key = { ...realm, applicationId: uuid(deps.random) };
      const link = resourceServer === undefined ? {} : { resource_server_id: resourceServer.resourceServerId };
      const settings = accept(
        createApplication({ display_name: "App", ...link, ...body }, surroundingsOf(realm, resourceServer)),
      );
      const secret = settings.protocol_config.confidentiality === "public" ? undefined : newClientSecret(deps.random);
      const stored =
        secret === undefined ? undefined : { hash: sha256(secret), sealed: sealClientSecret(deps, key, secret) };
      const application = {
        isManaged: false,
        classification: "",
        clientId: newClientId(deps.random),
        secret: stored,
        settings,
      };
      await insertApplication(db, key, application, deps.clock.nowMs());
      return readApplication(server, key);
    },
    changeApplication: async (application, change) => {
      const found = await findApplication(db, application.key);
      if (found === undefined) throw new Error("no such application");
      const settings = { ...found.settings, ...change(found.settings) };
      await updateApplicationSettings(db, application.key, settings as typeof found.settings, deps.clock.nowMs());
    },
  };
}

function surroundingsOf(realm: RealmKey, resourceServer: TestResourceServer | undefined): ApplicationSurroundings {
  return {
    realm: { realmId: realm.realmId, isAdmin: false },
    allowPlainPkce: true,
    findResourceServer: () =>
      resourceServer === undefined ? undefined : { scopes: resourceServer.settings.scopes, isManaged: false },
    hasAuthenticatorConfig: () => true,
    hasRealm: () => false,
    hasApplication: () => true,
  };
}

function createPeople({ server, realm }: Parts): Pick<Nouns, "addIdentity" | "addAuthenticatorConfig"> {
  const { deps } = server;
  const db = deps.database.tenants([realm.tenantId]);
  return {
    addIdentity: async (email, traits = {}) => {
      const key = { ...realm, identityId: hexId(deps.random) };
      const login = { type: "traits_v0" as const, username: email, primary_email_address: email };
      const body = { display_name: "Pat Doe", traits: { ...login, ...traits } };
      const settings = accept(createIdentity(body, { isClientId: () => false }));
      await insertIdentity(db, key, { settings, emailVerified: false }, deps.clock.nowMs());
      await verifyIdentityEmail(db, key, subjectKey(email), deps.clock.nowMs());
      return key.identityId;
    },
    addAuthenticatorConfig: async (methods = ["email_one_time_password"]) => {
      const authenticatorConfigId = uuid(deps.random);
      const config = { type: "hosted_web" as const, authentication_methods: methods.map((type) => ({ type })) };
      const settings = accept(createAuthenticatorConfig({ config }, { isAdmin: false }));
      await insertAuthenticatorConfig(db, { ...realm, authenticatorConfigId }, settings, deps.clock.nowMs());
      return authenticatorConfigId;
    },
  };
}

async function readApplication(server: TestServer, key: ApplicationKey): Promise<TestApplication> {
  const found = await findApplication(server.deps.database.tenants([key.tenantId]), key);
  if (found === undefined) throw new Error("no such application");
  const sealed = found.secret?.sealed;
  const clientSecret = sealed === undefined ? "" : openClientSecret(server.deps, key, sealed);
  return {
    key,
    clientId: found.clientId,
    clientSecret,
    issuer: issuerOf(server.url, key, found.settings.protocol_config.issuer_mode),
    authorization: basic(found.clientId, clientSecret),
  };
}

function accept<T>(checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new Error(JSON.stringify(checked.violations));
}
