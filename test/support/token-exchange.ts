import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import type { Answer } from "./http.ts";
import { type ConfigBody, type TestClient, testClient } from "./test-client.ts";
import type { TestApplication, TestTenant } from "./test-tenant.ts";

export const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
export const JWT = "urn:ietf:params:oauth:token-type:jwt";
export const CREDENTIALS = { grant_type: "client_credentials" };

/** Sends an exchange (RFC 8693 §2.1) as this application; a parameter may repeat. */
export function exchange(
  tenant: Pick<TestTenant, "token">,
  application: TestApplication,
  subject: string,
  form: Readonly<Record<string, string>> | [string, string][] = {},
): Promise<Answer> {
  const sent = new URLSearchParams({
    grant_type: TOKEN_EXCHANGE,
    subject_token: subject,
    subject_token_type: ACCESS_TOKEN,
  });
  for (const [name, value] of new URLSearchParams(form)) sent.append(name, value);
  return tenant.token(application, sent.toString());
}

/** An API beside a client, which may exchange the client's tokens. */
export async function addExchanger(
  { tenant, resourceServer, application }: TestClient,
  config: ConfigBody = {},
): Promise<TestApplication> {
  const api = await testClient({ tenant, server: resourceServer, config });
  await nameExchangers(tenant, application, [api.application]);
  return api.application;
}

/** Sets `may_be_exchanged_by`. */
export function nameExchangers(
  tenant: TestTenant,
  application: TestApplication,
  exchangers: readonly TestApplication[],
): Promise<void> {
  const may_be_exchanged_by = exchangers.map(({ key }) => key.applicationId);
  return tenant.changeApplication(application, (settings) => ({ ...settings, may_be_exchanged_by }));
}
