import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../src/config.ts";
import { createRandom, hexId, uuid } from "../../src/platform/random.ts";
import { type ApplicationKey, issuerOf, realmPath } from "../../src/protocol/client-metadata.ts";
import { type Answer, askUntilAnswered, basic, postForm } from "./http.ts";
import type { Credentials, ServerPlace, ServerProcess } from "./server-process.ts";
import { testLogin } from "./test-browser.ts";

// People who logged in to a server in a process of its own, each with a refresh token that is spent for the next, again and again.

const CHAINS = 4;
const REDIRECT_URI = "https://client.example/callback";
const LIFETIME_SECONDS = 86_400;
/** Who is not answered asks again with the same token: a server that was killed must be back before the window closes. */
const GRACE_SECONDS = 60;

/** What the client of the chains needs to know. */
type ChainClient = Pick<Credentials, "client_id" | "client_secret" | "issuer" | "introspection_endpoint">;

/** An application whose people hold refresh tokens; made by `declareRefreshChains`. */
export interface DeclaredRefreshChains {
  /** the environment of the start that makes the application */
  readonly environment: Environment;
  /** Logs everybody in at a server that has made it. */
  logIn(server: ServerProcess): Promise<RefreshChains>;
}

export interface RefreshChains {
  readonly client: ChainClient;
  /** Refreshes, each person one request after the other, until it is stopped or a request fails. */
  start(): RefreshLoad;
  /** Goes on with each person's last token, and returns how many it is refused to: a refresh that was answered is lost. */
  countLost(): Promise<number>;
}

export interface RefreshLoad {
  /** the access tokens of all answers: one a refresh */
  readonly issued: string[];
  stop(): Promise<void>;
}

/** Writes the declarative file of an application that people log in to by a code, into a server's place. */
export async function declareRefreshChains(place: ServerPlace): Promise<DeclaredRefreshChains> {
  const random = createRandom();
  const key = { tenantId: hexId(random), realmId: hexId(random), applicationId: uuid(random) };
  const secret = random.bytes(32).toString("base64url");
  const file = join(place.dataDirectory, "refresh-chains.json");
  await writeFile(file, JSON.stringify({ version: 1, tenants: [declaredTenant(key, secret)] }), { mode: 0o600 });
  return {
    environment: { MAYFLY_CONFIG: file },
    logIn: async (server) => {
      const issuer = issuerOf(server.url, key, "application");
      const introspection = `${server.url}${realmPath(key)}/introspect`;
      const client = { client_id: CLIENT_ID, client_secret: secret, issuer, introspection_endpoint: introspection };
      const tokens = await Promise.all(
        EMAILS.map((email) => logIn({ server: { url: server.url, deps: { random } } }, client, email)),
      );
      return createChains(client, tokens);
    },
  };
}

const CLIENT_ID = "refresh-chains";
const EMAILS = Array.from({ length: CHAINS }, (_, index) => `person-${index}@example.com`);

function declaredTenant(key: ApplicationKey, client_secret: string) {
  const signing = { token_signing_algorithm: "ES256", id_token_signed_response_alg: "ES256" };
  const protocol_config = {
    ...{ type: "oidc", grant_type: ["authorization_code"], redirect_uris: [REDIRECT_URI], pkce: "s256" },
    ...{ client_id: CLIENT_ID, client_secret },
    token_configuration: { expires_after: LIFETIME_SECONDS, ...signing },
    refresh_token_configuration: {
      ...{ enabled: true, rotate: true, absolute_duration: LIFETIME_SECONDS, grace_seconds: GRACE_SECONDS },
    },
  };
  const config = { type: "hosted_web", authentication_methods: [{ type: "email_one_time_password" }] };
  const realm = {
    id: key.realmId,
    display_name: "Refresh chains",
    authenticator_configs: [{ display_name: "Codes", config }],
    identities: EMAILS.map((email) => ({
      display_name: email,
      traits: { type: "traits_v0", username: email, primary_email_address: email },
    })),
    applications: [
      { id: key.applicationId, display_name: "Chains", authenticator_config_id: "Codes", protocol_config },
    ],
  };
  return { id: key.tenantId, display_name: "Refresh chains", test: true, realms: [realm] };
}

async function logIn(at: Parameters<typeof testLogin>[0], client: ChainClient, email: string): Promise<string> {
  const login = await testLogin(at, { clientId: client.client_id, issuer: client.issuer });
  const location = await login.finish(await login.logIn(email));
  const code = location.searchParams.get("code") ?? "";
  const answer = await requestToken(client, {
    grant_type: "authorization_code",
    code,
    code_verifier: login.verifier,
    redirect_uri: REDIRECT_URI,
  });
  assert.equal(answer.status, 200, answer.text);
  return String(answer.json?.refresh_token);
}

function requestToken(client: ChainClient, form: Record<string, string>): Promise<Answer> {
  return postForm(`${client.issuer}/token`, form, { authorization: basic(client.client_id, client.client_secret) });
}

function createChains(client: ChainClient, tokens: string[]): RefreshChains {
  const refresh = async (chain: number): Promise<Answer> => {
    const answer = await requestToken(client, { grant_type: "refresh_token", refresh_token: tokens[chain] ?? "" });
    if (answer.status === 200) tokens[chain] = String(answer.json?.refresh_token);
    return answer;
  };
  return {
    client,
    start: () => {
      const issued: string[] = [];
      let isStopped = false;
      const work = async (chain: number): Promise<void> => {
        while (!isStopped) {
          const answer = await refresh(chain).catch(() => undefined);
          if (answer?.status !== 200) return; // again only when the server is back
          issued.push(String(answer.json?.access_token));
        }
      };
      const workers = tokens.map((_, chain) => work(chain));
      return {
        issued,
        stop: async () => {
          isStopped = true;
          await Promise.all(workers);
        },
      };
    },
    countLost: async () => {
      const answers = await Promise.all(tokens.map((_, chain) => askUntilAnswered(() => refresh(chain))));
      const failed = answers.find(({ status }) => status !== 200 && status !== 400);
      if (failed !== undefined) throw new Error(`a refresh was answered ${failed.status} ${failed.text}`);
      return answers.filter(({ status }) => status === 400).length;
    },
  };
}
