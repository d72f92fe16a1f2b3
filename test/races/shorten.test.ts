import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { postForm } from "../support/http.ts";
import { lawRuns } from "../support/law-runs.ts";
import { movableClock } from "../support/movable-clock.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { testClient } from "../support/test-client.ts";
import { testCodeFlow, tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Issue 6: 1,000 interleavings of concurrent shortens end at the minimum; a tenth of them here. Rule 28: it never extends.

const RUNS = 100;
const ALIVE = 86_400;

test("shortens at once, on two nodes, end at the smallest; what is refreshed meanwhile does not outlive it", async (t) => {
  const clock = movableClock();
  const first = await testServer({ clock });
  const second = await nodeBeside(first, clock);
  t.after(async () => {
    if (second !== first) await second.stop();
    await first.stop();
  });
  const tenant = await testTenant({ server: first });
  const client = await testClient({ tenant });
  const flow = await testCodeFlow({ tenant, server: client.resourceServer });
  const seconds = fc.array(fc.integer({ min: 1, max: 2 * ALIVE }), { minLength: 2, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(seconds, fc.boolean(), async (asked, isFamily) => {
      const { application } = isFamily ? flow : client;
      const issued = isFamily ? await flow.logIn() : undefined;
      const token =
        issued?.refresh ?? tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
      const before = Number((await tenant.introspect(application, token)).exp);
      const now = Math.floor(clock.nowMs() / 1_000);
      const send = (expiration_time: string, n: number) => {
        const issuer = application.issuer.replace(first.url, (n % 2 === 0 ? first : second).url);
        return postForm(`${issuer}/shorten`, { token, expiration_time }, { authorization: application.authorization });
      };
      const refreshed = issued === undefined ? undefined : flow.refresh(issued.refresh);
      const answers = await Promise.all(asked.map((one, n) => send(String(one), n)));
      // A refresh token that was rotated before is dead, and nothing is said or done of it.
      const done = asked.filter((_, n) => answers[n]?.json !== undefined);
      const end = Math.min(before, ...done.map((one) => now + one));
      for (const { status, json } of answers) {
        assert.equal(status, 200);
        assert.ok(json === undefined || Number(json.exp) >= end);
      }
      assert.ok(isFamily || done.length === asked.length);
      const next = refreshed && (await refreshed);
      if (next !== undefined) assert.equal(next.status, 200, next.text);
      const last = next === undefined ? token : tokensOf(next).refresh;
      assert.equal((await tenant.introspect(application, last)).exp, end);
      if (next !== undefined) {
        const access = await tenant.introspect(application, tokensOf(next).access);
        assert.ok(Number(access.exp) <= end);
      }
    }),
    { numRuns: lawRuns(RUNS) },
  );
});
