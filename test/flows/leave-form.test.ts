import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type RawAnswer, sendRaw } from "../support/raw-http.ts";
import { newPerson, type SignedIn } from "../support/single-sign-on.ts";
import { locationOf, testLogin } from "../support/test-browser.ts";
import type { ConfigBody } from "../support/test-client.ts";

/** What a browser says of a navigation that a form of ours began. */
const FORM = ["sec-fetch-mode: navigate", "sec-fetch-site: same-origin"];

const PHONE = ["sec-ch-ua-mobile: ?1"];
const PUBLIC = { confidentiality: "public" } as const;

type Parameters = Readonly<Record<string, string>>;

/** The answer after a login, as a browser gets it that says this of its navigation. */
async function answerTo(
  { flow, browser, email }: SignedIn,
  said: readonly string[],
  parameters: Parameters = {},
  came: Parameters = {},
): Promise<RawAnswer> {
  const login = await testLogin(flow.tenant, flow.application, { browser, parameters, headers: came });
  const { pathname, search } = locationOf(await login.logIn(email));
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  const headers = [...said, `cookie: ${cookie}`];
  return sendRaw(flow.tenant.server.url, { method: "GET", target: `${pathname}${search}`, headers });
}

// Headers are told in lower case.
describe("the answer to a navigation that a form of ours began", () => {
  for (const mode of ["query", "fragment"] as const) {
    test(`ends it and begins another, for a browser holds redirects to the form's policy (${mode})`, async () => {
      const { status, headers, body } = await answerTo(await newPerson(), FORM, { response_mode: mode });
      assert.equal(status, 200, body);
      const [, target = ""] = /^refresh: 0;url=(.+)$/m.exec(headers) ?? [];
      const { origin, searchParams, hash } = new URL(target);
      assert.equal(origin, "https://client.example");
      const told = mode === "query" ? searchParams : new URLSearchParams(hash.slice(1));
      assert.deepEqual([...told.keys()], ["code", "state", "iss"]);
      const [, link = ""] = /<a href="(https:[^"]+)">/.exec(body) ?? [];
      assert.equal(link.replaceAll("&amp;", "&").toLowerCase(), target.trim());
      assert.match(headers, /form-action 'self';/);
      assert.match(headers, /^cache-control: no-store\r?$/m);
      assert.match(headers, /^referrer-policy: no-referrer\r?$/m);
      assert.equal(headers.match(/^set-cookie: /gm)?.length, 2, "the login's cookie goes, the session's comes");
    });
  }

  for (const [name, came, said] of [
    ["not on a phone", {}, FORM],
    ["on a phone, sent there by a page", { "sec-fetch-site": "cross-site" }, [...FORM, ...PHONE]],
  ] as const) {
    test(`is such a page for a public client, too (${name})`, async () => {
      const at = await newPerson({ config: PUBLIC });
      const { status, headers } = await answerTo(at, said, {}, came);
      assert.equal(status, 200);
      assert.match(headers, /^refresh: 0;url=https:\/\/client\.example\/callback\?code=/m);
    });
  }

  const APP = { ...PUBLIC, redirect_uris: ["com.example.app:/callback"] };
  const REDIRECTED: readonly (readonly [string, ConfigBody, readonly string[]])[] = [
    ["another site began it", {}, ["sec-fetch-mode: navigate", "sec-fetch-site: cross-site"]],
    ["no browser asks", {}, []],
    ["an app on a phone may be waiting for a redirect to its address", PUBLIC, [...FORM, ...PHONE]],
    [
      "such a phone says so by its name only",
      PUBLIC,
      [...FORM, "user-agent: Mozilla/5.0 (iPhone; CPU iPhone OS 26_0)"],
    ],
    ["an app is waiting for a redirect to its scheme", APP, FORM],
  ];
  for (const [name, config, said] of REDIRECTED) {
    test(`is a redirect where ${name}`, async () => {
      const at = await newPerson({ config });
      const [redirect_uri = "https://client.example/callback"] = config.redirect_uris ?? [];
      const { status, headers } = await answerTo(at, said, { redirect_uri }, { "sec-fetch-site": "none" });
      assert.equal(status, 303);
      assert.ok(headers.includes(`\nlocation: ${redirect_uri}?code=`), headers);
    });
  }
});
