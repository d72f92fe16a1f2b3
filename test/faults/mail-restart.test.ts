import assert from "node:assert/strict";
import { test } from "node:test";
import { newAddress } from "../support/login-flow.ts";
import { startMailServer } from "../support/mail-server.ts";
import { managementClient, succeed } from "../support/management-client.ts";
import { movableClock } from "../support/movable-clock.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";
import { waitUntil } from "../support/wait-until.ts";

const OWN = {
  config: {
    type: "embedded" as const,
    invoke_url: "https://shop.example/in",
    trusted_origins: ["https://shop.example"],
  },
};
const SOON = { everyMs: 20, msMax: 20_000 };

test("a mail that was not sent when its server ended is sent by the next one", async (t) => {
  const mailServer = await startMailServer();
  const clock = movableClock();
  mailServer.answer("defer");
  const first = await testServer({
    clock,
    environment: { MAYFLY_SMTP_URL: mailServer.url, MAYFLY_LOG_LEVEL: "fatal" },
  });
  const tenant = await testTenant({ server: first, kind: "production" });
  const address = newAddress(tenant);
  const identity = await tenant.addIdentity(address);
  const body = { job: { delivery_method: "EMAIL" as const, authenticator_config: OWN } };
  await succeed(managementClient(tenant)("CreateCredentialBindingJob", { identity, body }));
  await first.app.settled();
  assert.equal(mailServer.asked(), 1);
  clock.pass(60);
  mailServer.answer("take");
  const second = await first.restart();
  t.after(async () => {
    await second.stop();
    await mailServer.stop();
  });
  await waitUntil(() => mailServer.arrived.length > 0, "the mail did not arrive after the restart", SOON);
  assert.deepEqual(mailServer.arrived[0]?.to, [address]);
});
