import { randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { createVerifier, TokenRefused, type Verifier } from "../../src/verifier/verifier.ts";
import { basic, postForm } from "../../test/support/http.ts";
import { type NodeGroup, startNodeGroup } from "../../test/support/node-group.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { hexId } from "../mayfly-declaration.ts";
import { makeDirectory, type RunContext, type RunSettings } from "../run-context.ts";
import { percentile } from "../statistics.ts";

const NODES = 2;
const VALIDATORS_FULL = 50;
const VALIDATORS = 10;
/** A caller may have twenty connections. */
const VALIDATORS_A_CALLER = 10;
const REVOCATIONS_FULL = 200;
const REVOCATIONS = 20;
const LOOK_EVERY_MS = 20;
const REFUSED_MS_MAX = 10_000;
const P99_MS_MAX = 1_000;
const AUDIENCE = "urn:mayfly:bench";
const SCOPE = "bench:read";

interface Client {
  readonly applicationId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What the nodes have, and who validates. */
interface Place {
  readonly realm: string;
  readonly client: Client;
  readonly callers: readonly Client[];
}

/**
 * Tokens that are revoked at one of two nodes, and when each of fifty validators that are connected to both refuses them: from the sending
 * of the revocation (issue 6, part 7).
 */
export const feed: CustomBenchmark = {
  name: "feed",
  isHeavy: false,
  steps: (settings) => 1 + revocationsOf(settings),
  async run(context) {
    const { url } = await context.database.createDatabase();
    const place = invent(validatorsOf(context.settings));
    const configPath = join(makeDirectory(context, "feed"), "mayfly.yaml");
    writeFileSync(configPath, declare(place), { mode: 0o600 });
    const group = await startNodeGroup(NODES, {
      MAYFLY_DATABASE_URL: url,
      MAYFLY_MASTER_KEY: randomBytes(32).toString("base64url"),
      MAYFLY_CONFIG: configPath,
    });
    try {
      const rows = await measure(group, place, context);
      await group.stop();
      return rows;
    } finally {
      await group.remove();
    }
  },
};

function validatorsOf({ isFull }: RunSettings): number {
  return isFull ? VALIDATORS_FULL : VALIDATORS;
}

function revocationsOf({ isFull }: RunSettings): number {
  return isFull ? REVOCATIONS_FULL : REVOCATIONS;
}

function invent(validators: number): Place {
  const client = (clientId: string): Client => ({
    applicationId: randomUUID(),
    clientId,
    clientSecret: randomBytes(32).toString("base64url"),
  });
  const callers = Array.from({ length: Math.ceil(validators / VALIDATORS_A_CALLER) }, (_, n) => client(`api-${n}`));
  return { realm: `/v1/tenants/${hexId()}/realms/${hexId()}`, client: client("bench-client"), callers };
}

function declare({ realm, client, callers }: Place): string {
  const [, , , tenant = "", , id = ""] = realm.split("/");
  const application = ({ applicationId, clientId, clientSecret }: Client) => ({
    id: applicationId,
    display_name: clientId,
    resource_server_id: AUDIENCE,
    protocol_config: {
      ...{ type: "oauth2", grant_type: ["client_credentials"], allowed_scopes: [SCOPE] },
      ...{ client_id: clientId, client_secret: clientSecret },
      token_configuration: { expires_after: 3_600, token_signing_algorithm: "ES256" },
    },
  });
  const introspectors = callers.map(({ clientId }) => clientId);
  const server = { display_name: "Benchmark API", identifier: AUDIENCE, scopes: [SCOPE], introspectors };
  const realms = [
    { id: hexId(), display_name: "Administrators", is_admin: true },
    { id, display_name: "Benchmark", resource_servers: [server], applications: [client, ...callers].map(application) },
  ];
  return stringify({ version: 1, tenants: [{ id: tenant, display_name: "Benchmark", realms }] });
}

async function measure({ nodes, publicPort }: NodeGroup, place: Place, context: RunContext): Promise<Row[]> {
  const { progress, settings, signal } = context;
  const { realm, client, callers } = place;
  const application = `${realm}/applications/${client.applicationId}`;
  const count = validatorsOf(settings);
  progress.step(`feed: ${count} validators connect`);
  const verifiers = Array.from({ length: count }, (_, n) => {
    const caller = callers[n % callers.length] ?? client;
    const url = nodes[n % nodes.length]?.server.url ?? "";
    return createVerifier({
      issuer: `http://localhost:${publicPort}${application}`,
      keysUrl: `${url}${application}/.well-known/jwks.json`,
      audience: AUDIENCE,
      feed: { url: `${url}${realm}/revocations:feed`, authorization: basic(caller.clientId, caller.clientSecret) },
    });
  });
  try {
    await Promise.all(verifiers.map(({ ready }) => ready));
    const times: number[] = [];
    for (let number = 0; number < revocationsOf(settings); number += 1) {
      signal.throwIfAborted();
      progress.step(`feed: revocation ${number + 1} of ${revocationsOf(settings)}`);
      const at = `${nodes[number % nodes.length]?.server.url}${application}`;
      times.push(...(await revokeOne(at, client, verifiers)));
    }
    return describe(times, count);
  } finally {
    for (const verifier of verifiers) verifier.close();
  }
}

/** Revokes a token that every validator accepts. Returns how long each went on, in milliseconds. */
async function revokeOne(at: string, client: Client, verifiers: readonly Verifier[]): Promise<number[]> {
  const headers = { authorization: basic(client.clientId, client.clientSecret) };
  const issued = await postForm(`${at}/token`, { grant_type: "client_credentials" }, headers);
  const token = String(issued.json?.access_token);
  await Promise.all(verifiers.map((verifier) => verifier.verify(token)));
  const startedAt = performance.now();
  const revoked = postForm(`${at}/revoke`, { token }, headers);
  const times = await Promise.all(verifiers.map((verifier) => refusedAfter(verifier, token, startedAt)));
  const { status } = await revoked;
  if (status !== 200) throw new Error(`the revocation was answered ${status}`);
  return times;
}

async function refusedAfter(verifier: Verifier, token: string, startedAt: number): Promise<number> {
  for (;;) {
    try {
      await verifier.verify(token);
    } catch (error) {
      if (error instanceof TokenRefused && error.code === "revoked") return performance.now() - startedAt;
      throw error;
    }
    const ms = performance.now() - startedAt;
    if (ms > REFUSED_MS_MAX) throw new Error("a revoked token is accepted still");
    await sleep(LOOK_EVERY_MS);
  }
}

function describe(times: readonly number[], validators: number): Row[] {
  const at = (share: number): number => percentile(times, share);
  const label = `from the sending of a revocation to its refusal by ${validators} validators at ${NODES} nodes`;
  const note = `${(times.length / validators).toLocaleString("en-US")} revocations; looked at every ${LOOK_EVERY_MS} ms`;
  return [
    { label: `${label}, p50`, value: at(0.5), unit: "ms", note },
    { label: `${label}, p99`, value: at(0.99), unit: "ms", target: { atMost: P99_MS_MAX }, note },
    { label: `${label}, the last`, value: at(1), unit: "ms", note },
  ];
}
