import assert from "node:assert/strict";
import { test } from "node:test";
import { postForm } from "../support/http.ts";
import { addIntrospector } from "../support/introspector.ts";
import { nodeBeside } from "../support/node-beside.ts";
import { testClient } from "../support/test-client.ts";
import { tokensOf } from "../support/test-code-flow.ts";
import { testServer } from "../support/test-server.ts";
import { testTenant } from "../support/test-tenant.ts";

// Rule 17: a use is counted atomically over all nodes.

const RACERS = 200;

for (const uses of [1, 7]) {
  test(`of ${RACERS} introspections at once on two nodes, a token of ${uses} uses is active for exactly ${uses}`, async (t) => {
    const first = await testServer();
    const second = await nodeBeside(first);
    t.after(async () => {
      if (second !== first) await second.stop();
      await first.stop();
    });
    const tenant = await testTenant({ server: first });
    const client = await testClient({ tenant, config: { token_format: "referential" } });
    const api = await addIntrospector(client);
    const form = { grant_type: "client_credentials", max_uses: String(uses) };
    const { access } = tokensOf(await tenant.token(client.application, form));
    const { authorization, issuer } = api.application;
    const urls = [first, second].map(({ url }) => `${issuer.replace(first.url, url)}/introspect`);
    const answers = await Promise.all(
      Array.from({ length: RACERS }, (_, n) => postForm(urls[n % 2] ?? "", { token: access }, { authorization })),
    );
    assert.equal(answers.filter(({ json }) => json?.active === true).length, uses);
    for (const { status, json } of answers)
      if (json?.active !== true) assert.deepEqual([status, json], [200, { active: false }]);
  });
}
