import assert from "node:assert/strict";
import { test } from "node:test";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { EMBEDDED_OPERATIONS } from "../../src/login/embedded/operations.ts";
import {
  act,
  authenticatorOf,
  beginEmbedded,
  bindPasskey,
  embeddedWorld,
  exchangeBindingToken,
  linkOf,
  makeLink,
  postJson,
  requestOf,
  SHOP,
} from "../support/embedded-login.ts";
import type { Answer } from "../support/http.ts";
import { WRONG_CODE } from "../support/login-flow.ts";
import { softwarePasskey } from "../support/software-passkey.ts";
import { TEST_CODE } from "../support/test-browser.ts";

type Named = keyof typeof EMBEDDED_OPERATIONS;

/** Whether an answer has the members that the reference says, no other, and at least those that every such answer has. */
function assertDescribed(name: Named, { status, json, text }: Answer): void {
  assert.equal(status, 200, `${name} ${text}`);
  const schema: TSchema & { properties?: object } = EMBEDDED_OPERATIONS[name].answer;
  assert.ok(Compile(schema).Check(json), `${name} ${text}`);
  if ("additionalProperties" in schema) return;
  const others = Object.keys(json ?? {}).filter((member) => !(member in (schema.properties ?? {})));
  assert.deepEqual([name, ...others], [name]);
}

test("what an application's pages are answered is what the reference says", async () => {
  const world = await embeddedWorld();
  const { url } = await beginEmbedded(world);
  const context = `${authenticatorOf(world)}/authentication-context`;
  assertDescribed("context", await postJson(context, { request: requestOf(url) }));
  assertDescribed("options", await act(world, url, { action: "/assertion-options" }));
  const sent = await act(world, url, { action: ":send-code", email: world.email });
  assertDescribed("sendCode", sent);
  const wrong = await act(world, sent.json?.url, { action: ":redeem-code", code: WRONG_CODE });
  assertDescribed("redeemCode", wrong);
  const right = await act(world, wrong.json?.url, { action: ":redeem-code", code: TEST_CODE });
  assertDescribed("redeemCode", right);
  assertDescribed("exchangeToken", await exchangeBindingToken(world, right.json?.passkey_binding_token));
  const { endpoint, token } = linkOf(world, await makeLink(world));
  const creation = await postJson(`${endpoint}:beginBinding`, { token });
  assertDescribed("beginBinding", creation);
  const made = softwarePasskey({ origin: SHOP, rpId: "shop.example" }).create(JSON.parse(creation.text));
  assertDescribed(
    "finishBinding",
    await postJson(`${endpoint}:finishBinding`, { token, credential: JSON.parse(made) }),
  );
  const passkey = await bindPasskey(world);
  const again = await beginEmbedded(world);
  const options = await act(world, again.url, { action: "/assertion-options" });
  const credential: unknown = JSON.parse(passkey.get(JSON.parse(options.text)));
  assertDescribed("assertion", await act(world, again.url, { action: ":assertion", credential }));
});
