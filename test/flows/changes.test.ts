import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClock } from "../../src/platform/clock.ts";
import type { RealmKey } from "../../src/protocol/client-metadata.ts";
import { basic, call } from "../support/http.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { changeTokens, testClient } from "../support/test-client.ts";
import { databaseSide } from "../support/test-database.ts";
import { testServer } from "../support/test-server.ts";
import { type TestApplication, type TestTenant, testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

// What a node keeps of the configuration is two seconds old at most, and new at once where it hears of the change (rule 7). The nodes'
// clocks stand still here: what they see, they see because they were told.

const STALE_MS_MAX = 2_000;
const MARK = "f".repeat(16);
const PATIENCE = { everyMs: 5, msMax: 20_000 };

interface Nodes {
  /** where changes are made */
  readonly tenant: TestTenant;
  readonly application: TestApplication;
  /** what another node says of the application: the longest lifetime, and the keys */
  readonly seen: () => Promise<{ readonly seconds: unknown; readonly keys: number }>;
  /** a page of another node */
  readonly seePage: () => Promise<string>;
  /** what the other node has heard, in order */
  readonly heard: (string | undefined)[];
  readonly pass: (ms: number) => void;
}

/** Two nodes on one database where it can have two, else one. */
async function startNodes(t: TestContext): Promise<Nodes> {
  let passedMs = 0;
  const clock = { ...createClock(), monotonicMs: () => passedMs, follow: () => undefined };
  const first = await testServer({ clock });
  const second = await nodeBeside(first, clock);
  t.after(async () => {
    if (second !== first) await second.stop();
    await first.stop();
  });
  const { tenant, application } = await testClient({ tenant: await testTenant({ server: first }) });
  const heard: (string | undefined)[] = [];
  second.deps.database.watchChanges((tenantId) => heard.push(tenantId));
  const issuer = application.issuer.replace(first.url, second.url);
  return {
    tenant,
    application,
    heard,
    seePage: async () => (await call(`${issuer}/authorize`)).text,
    seen: async () => {
      const metadata = await call(`${issuer}/.well-known/openid-configuration`);
      const jwks = await call(`${issuer}/.well-known/jwks.json`);
      assert.deepEqual([metadata.status, jwks.status], [200, 200], metadata.text);
      return { seconds: metadata.json?.expiration_time_max, keys: jwks.text.split('"kid"').length - 1 };
    },
    pass: (ms) => {
      passedMs += ms;
    },
  };
}

function run({ tenant }: Nodes, text: string): Promise<unknown> {
  return tenant.server.deps.database.maintain((session) => session.query(text));
}

async function until(nodes: Nodes, holds: (seen: Awaited<ReturnType<Nodes["seen"]>>) => boolean): Promise<void> {
  await waitUntil(async () => holds(await nodes.seen()), "the other node did not hear of the change", PATIENCE);
}

/** Waits until the other node has heard all that was announced so far: announcements keep their order. */
async function hearAll(nodes: Nodes): Promise<void> {
  await run(nodes, `SELECT pg_notify('mayfly_changes', '${MARK}')`);
  await waitUntil(() => nodes.heard.at(-1) === MARK, "the other node hears nothing", PATIENCE);
}

test("a change is seen on other nodes at once, when it is committed", async (t) => {
  const nodes = await startNodes(t);
  await changeTokens(nodes, { expires_after: 1_000 });
  await until(nodes, ({ seconds }) => seconds === 1_000);
  await changeTokens(nodes, { expires_after: 2_000 });
  await until(nodes, ({ seconds }) => seconds === 2_000);
  const { tenantId, realmId }: RealmKey = nodes.application.key;
  await run(nodes, `UPDATE realms SET token_policy = '{"max_expires_after": 500}' WHERE realm_id = '${realmId}'`);
  await until(nodes, ({ seconds }) => seconds === 500);
  await run(nodes, `UPDATE tenants SET token_policy = '{"max_expires_after": 400}' WHERE tenant_id = '${tenantId}'`);
  await until(nodes, ({ seconds }) => seconds === 400);
  await run(
    nodes,
    `UPDATE resource_servers SET token_policy = '{"max_expires_after": 300}' WHERE realm_id = '${realmId}'`,
  );
  await until(nodes, ({ seconds }) => seconds === 300);
  assert.equal((await nodes.seen()).keys, 1);
  await run(
    nodes,
    `INSERT INTO signing_keys SELECT tenant_id, realm_id, algorithm, generation + 1, 'next', jsonb_set(public_jwk, '{kid}', '"next"'),
       private_key_sealed, signs_from_at + 360, latest_expiry_at, compromised_at, created_at_ms FROM signing_keys WHERE realm_id = '${realmId}'`,
  );
  await until(nodes, ({ keys }) => keys === 2);
});

test("a theme is seen on other nodes' pages at once", async (t) => {
  const nodes = await startNodes(t);
  assert.doesNotMatch(await nodes.seePage(), /--button:#123456/);
  const { tenantId, realmId } = nodes.application.key;
  const settings = { button_color: "#123456", button_text_color: "#ffffff" };
  await run(
    nodes,
    `INSERT INTO themes (tenant_id, realm_id, theme_id, settings, created_at_ms, updated_at_ms)
     VALUES ('${tenantId}', '${realmId}', 'x', '${JSON.stringify(settings)}', 0, 0)`,
  );
  const isSeen = async (): Promise<boolean> => (await nodes.seePage()).includes("--button:#123456");
  await waitUntil(isSeen, "the other node did not hear of the theme", PATIENCE);
});

test("with every notification lost a change is seen after two seconds, and after a gap at once", async (t) => {
  const nodes = await startNodes(t);
  await changeTokens(nodes, { expires_after: 1_000 });
  await nodes.seen(); // makes the realm's first key, which is a change
  await hearAll(nodes);
  assert.equal((await nodes.seen()).seconds, 1_000);
  await run(nodes, "ALTER TABLE applications DISABLE TRIGGER notify_change");
  await changeTokens(nodes, { expires_after: 2_000 });
  nodes.pass(STALE_MS_MAX);
  assert.equal((await nodes.seen()).seconds, 1_000, "the change was announced, so this test shows nothing");
  nodes.pass(1);
  assert.equal((await nodes.seen()).seconds, 2_000);
  if (databaseSide() === "embedded") return; // its one session hears all that it does
  await changeTokens(nodes, { expires_after: 3_000 });
  assert.equal((await nodes.seen()).seconds, 2_000);
  await run(
    nodes,
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mayfly changes' AND datname = current_database()",
  );
  await until(nodes, ({ seconds }) => seconds === 3_000);
});

test("what the statement that records tokens writes of a key is announced to nobody", async (t) => {
  const nodes = await startNodes(t);
  await nodes.seen();
  await hearAll(nodes);
  nodes.heard.length = 0;
  const { tenantId, realmId } = nodes.application.key;
  await run(nodes, `UPDATE signing_keys SET latest_expiry_at = latest_expiry_at + 3600 WHERE realm_id = '${realmId}'`);
  await run(nodes, `UPDATE realms SET display_name = 'last' WHERE realm_id = '${realmId}'`);
  await hearAll(nodes);
  assert.deepEqual(nodes.heard, [tenantId, MARK]);
});

for (const secret of ["its own secret", "the secret moved along"]) {
  test(`a client_id that moved to another application is good there at once, with every notification lost: ${secret}`, async (t) => {
    const nodes = await startNodes(t);
    const { tenant, application: old } = nodes;
    const { application: next } = await testClient({ tenant });
    const issued = await tenant.token(next, { grant_type: "client_credentials" });
    const ask = (client: TestApplication) => tenant.introspect(client, String(issued.json?.access_token));
    await hearAll(nodes);
    await run(nodes, "ALTER TABLE applications DISABLE TRIGGER notify_change");
    assert.deepEqual(await ask(old), { active: false }); // its client_id is known to be the old one's from now on
    const { applicationId } = next.key;
    await run(
      nodes,
      `UPDATE applications SET client_id = 'was-another', version = version + 1
      WHERE client_id = '${old.clientId}'`,
    );
    const isSame = secret !== "its own secret";
    await run(
      nodes,
      `UPDATE applications SET client_id = '${old.clientId}', version = version + 1
      ${isSame ? `, client_secret_hash = (SELECT client_secret_hash FROM applications WHERE client_id = 'was-another')` : ""}
      WHERE application_id = '${applicationId}'`,
    );
    const clientSecret = isSame ? old.clientSecret : next.clientSecret;
    const moved = { ...next, clientId: old.clientId, authorization: basic(old.clientId, clientSecret) };
    assert.equal((await ask(moved)).active, true);
    if (isSame) return;
    await assert.rejects(ask(old), /introspection answered 401/);
  });
}
