import type { ApplicationBody } from "../../src/resources/application/schema.ts";
import type { RealmBody } from "../../src/resources/realm/schema.ts";
import type { ResourceServerBody } from "../../src/resources/resource-server/schema.ts";
import { stoppedServer } from "./stopped-server.ts";
import { type TestApplication, type TestResourceServer, type TestTenant, testTenant } from "./test-tenant.ts";

/** What of `protocol_config` a test sets. */
export type ConfigBody = NonNullable<ApplicationBody["protocol_config"]>;
export type TokenConfigurationBody = NonNullable<ConfigBody["token_configuration"]>;

export interface WorldOptions {
  readonly config?: ConfigBody;
  /** on top of a day, signed with ES256: its keys are made in no time */
  readonly tokens?: TokenConfigurationBody;
  readonly realm?: Partial<RealmBody>;
  readonly resourceServer?: Partial<ResourceServerBody>;
  /** an existing tenant and resource server to go on with */
  readonly tenant?: TestTenant;
  readonly server?: TestResourceServer;
}

/** A confidential client that acts for itself, and what is around it. */
export interface TestClient {
  readonly tenant: TestTenant;
  readonly resourceServer: TestResourceServer;
  readonly application: TestApplication;
}

/** The token configuration that tests start from. */
export const TOKENS: TokenConfigurationBody = {
  expires_after: 86_400,
  token_signing_algorithm: "ES256",
  id_token_signed_response_alg: "ES256",
};

/** Makes an application for `client_credentials`. */
export async function testClient(options: WorldOptions = {}): Promise<TestClient> {
  const { tenant, resourceServer } = await testWorld(options);
  const protocol_config = {
    type: "oauth2" as const,
    grant_type: ["client_credentials" as const],
    allowed_scopes: [...resourceServer.settings.scopes],
    token_configuration: { ...TOKENS, ...options.tokens },
    ...options.config,
  };
  return { tenant, resourceServer, application: await tenant.addApplication({ protocol_config }, resourceServer) };
}

/** Changes members of an application's token configuration around the server, as another node would. */
export function changeTokens(
  { tenant, application }: Pick<TestClient, "tenant" | "application">,
  tokens: TokenConfigurationBody,
): Promise<void> {
  return tenant.changeApplication(application, (settings) => {
    const config = settings.protocol_config;
    const token_configuration = { ...config?.token_configuration, ...tokens };
    return { ...settings, protocol_config: { ...config, token_configuration } };
  });
}

/** Makes a tenant, whose time stands still, and a resource server, unless they are given. */
export async function testWorld(options: WorldOptions): Promise<Omit<TestClient, "application">> {
  const tenant = options.tenant ?? (await newTenant(options));
  const resourceServer = options.server ?? (await tenant.addResourceServer(options.resourceServer));
  return { tenant, resourceServer };
}

async function newTenant({ realm }: WorldOptions): Promise<TestTenant> {
  const server = await stoppedServer();
  return testTenant({ server, ...(realm === undefined ? {} : { realm }) });
}
