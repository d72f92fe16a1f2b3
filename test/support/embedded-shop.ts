import assert from "node:assert/strict";
import { findFreePort } from "../../bin/free-port.mjs";
import { createShop } from "../../examples/embedded/server.mjs";
import { type TestApplication, type TestTenant, testTenant } from "./test-tenant.ts";

/** Who logs in there. */
export const SHOPPER = "ada@example.com";

/** Options of a shop that are its authenticator config's. */
export interface ShopOptions {
  /** an origin in place of the shop's own */
  readonly trusts?: string;
  readonly invocation?: "automatic" | "manual";
}

/** The example of an application with a login page of its own, and what it is to Mayfly. */
export interface Shop extends AsyncDisposable {
  readonly tenant: TestTenant;
  readonly application: TestApplication;
  readonly configId: string;
  readonly identityId: string;
  readonly origin: string;
}

/** The example, at work as its guide says. */
export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const tenant = await testTenant();
  const identityId = await tenant.addIdentity(SHOPPER);
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const config = {
    type: "embedded",
    invoke_url: origin,
    invocation_type: options.invocation ?? "automatic",
    trusted_origins: [options.trusts ?? origin],
    authentication_methods: [{ type: "email_one_time_password" }, { type: "webauthn_passkey" }],
  };
  const made = await tenant.manage("POST", "/authenticator-configs", { authenticator_config: { config } });
  assert.equal(made.status, 200, made.text);
  const configId = String(made.json?.id);
  const application = await tenant.addApplication({
    authenticator_config_id: configId,
    protocol_config: {
      type: "oidc",
      grant_type: ["authorization_code"],
      redirect_uris: [`${origin}/callback`],
      pkce: "s256",
      token_configuration: { expires_after: 3_600 },
    },
  });
  const { issuer, clientId, clientSecret } = application;
  const server = createShop({ issuer, clientId, clientSecret, origin });
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  return {
    ...{ tenant, application, configId, identityId, origin },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
