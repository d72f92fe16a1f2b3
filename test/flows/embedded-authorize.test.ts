import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type EmbeddedWorld,
  embeddedWorld,
  finishEmbedded,
  logInByCode,
  openCompletion,
  SHOP,
} from "../support/embedded-login.ts";
import { type Answer, call } from "../support/http.ts";
import { sendRaw } from "../support/raw-http.ts";
import { assertRefused } from "../support/refusals.ts";
import { authorize, logInByCode as logInHosted, newPerson } from "../support/single-sign-on.ts";
import {
  authorizeParameters,
  hiddenFields,
  locationOf,
  type TestBrowser,
  testBrowser,
} from "../support/test-browser.ts";

const MANUAL = { invocation: "manual" } as const;
const FOREIGN = [
  "https://evil.example",
  "http://shop.example",
  "https://shop.example:8443",
  "https://www.shop.example",
  "https://shop.example.evil.example",
  "https://other.example",
  "null",
];

interface PageCall {
  readonly origin?: string;
  readonly browser?: TestBrowser;
  readonly method?: "GET" | "POST";
  readonly parameters?: Readonly<Record<string, string>>;
}

/** What the script of a page does: it asks /authorize where the login is. */
function ask({ application }: EmbeddedWorld, page: PageCall = {}): Promise<Answer> {
  const { origin = SHOP, browser = testBrowser(), method = "GET" } = page;
  const parameters = authorizeParameters(application, "v".repeat(43), page.parameters);
  const at = `${application.issuer}/authorize`;
  if (method === "POST") return browser.post(at, parameters, { origin });
  return browser.open(`${at}?${new URLSearchParams(parameters)}`, { origin });
}

function assertShared({ headers }: Answer): void {
  assert.equal(headers.get("access-control-allow-origin"), SHOP);
  assert.equal(headers.get("access-control-allow-credentials"), null);
  assert.equal(headers.get("vary"), "origin");
  assert.deepEqual(headers.getSetCookie(), []);
}

function assertNotShared({ headers }: Answer): void {
  for (const name of headers.keys()) assert.doesNotMatch(name, /^access-control-/);
}

describe("a page that takes people to its login itself", () => {
  for (const method of ["GET", "POST"] as const) {
    test(`is told by ${method} where the login is, and may read it`, async () => {
      const world = await embeddedWorld(MANUAL);
      const told = await ask(world, { method });
      assert.equal(told.status, 200, told.text);
      assertShared(told);
      const url = String(told.json?.authenticate_url);
      const answer = await logInByCode(world, { browser: testBrowser(), verifier: "", url });
      const back = locationOf(await openCompletion(world, answer, testBrowser()));
      assert.ok(back.searchParams.has("code"), back.href);
    });

    test(`of another origin gets nothing by ${method}`, async () => {
      const world = await embeddedWorld(MANUAL);
      // The realm trusts it, for another application.
      const other = {
        type: "embedded",
        invoke_url: "https://other.example",
        trusted_origins: ["https://other.example"],
      };
      await world.tenant.manage("POST", "/authenticator-configs", { authenticator_config: { config: other } });
      for (const origin of FOREIGN) {
        const refused = await ask(world, { method, origin });
        assert.equal(refused.status, 403, `${origin} ${refused.text}`);
        assert.doesNotMatch(refused.text, /authenticate|request=/);
        assertNotShared(refused);
      }
    });
  }

  test("needs no preflight, and gets none", async () => {
    const { application } = await embeddedWorld(MANUAL);
    const headers = { origin: SHOP, "access-control-request-method": "GET" };
    const asked = await call(`${application.issuer}/authorize`, { method: "OPTIONS", headers });
    assert.equal(asked.status, 405);
    assertNotShared(asked);
  });

  test("is told what goes wrong, for it cannot follow a redirect to the client", async () => {
    const world = await embeddedWorld(MANUAL);
    for (const [parameters, code] of [
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ max_age: "x" }, "invalid_request"],
      [{ prompt: "none" }, "login_required"],
    ] as const) {
      const refused = await ask(world, { parameters });
      assertRefused(refused, 400, code);
      assertShared(refused);
    }
  });

  test("finds out nothing of who is signed in, whatever cookies its browser sends along", async () => {
    const person = await newPerson();
    const { browser } = person;
    await logInHosted(person);
    const world = await embeddedWorld({ ...MANUAL, tenant: person.flow.tenant });
    const known = await authorize(person, world.application);
    assert.ok(locationOf(known).searchParams.has("code"), "the browser itself is known");
    const told = await ask(world, { browser });
    assert.deepEqual([told.status, Object.keys(told.json ?? {})], [200, ["authenticate_url"]]);
    assertRefused(await ask(world, { browser, parameters: { prompt: "none" } }), 400, "login_required");
  });
});

describe("where browsers are sent to /authorize, or no page asks", () => {
  test("nothing is shared with a page", async () => {
    const automatic = await embeddedWorld();
    const { flow } = await newPerson();
    const hosted = { ...automatic, tenant: flow.tenant, application: flow.application };
    for (const world of [automatic, hosted]) {
      for (const origin of [SHOP, "https://evil.example"]) {
        const sent = await ask(world, { origin });
        assert.equal(sent.status, 303, sent.text);
        assertNotShared(sent);
      }
    }
    const manual = await embeddedWorld(MANUAL);
    const told = await call(
      `${manual.application.issuer}/authorize?${new URLSearchParams(authorizeParameters(manual.application, "v".repeat(43)))}`,
    );
    assert.deepEqual([told.status, told.headers.get("vary")], [200, "origin"]);
    assertNotShared(told);
  });
});

describe("a browser comes to the application's own page", () => {
  test("from a request by POST, by way of a GET of ours (rule 18)", async () => {
    const world = await embeddedWorld();
    const browser = testBrowser();
    const parameters = authorizeParameters(world.application, "v".repeat(43));
    const posted = await browser.post(`${world.application.issuer}/authorize`, parameters, {
      origin: "https://client.example",
    });
    assert.equal(posted.status, 303, posted.text);
    const url = await followToPage(world, browser, posted);
    const answer = await logInByCode(world, { browser, verifier: "", url });
    const back = await finishEmbedded(world, answer, browser);
    assert.ok(back.searchParams.has("code"), back.href);
    assert.equal(back.searchParams.get("state"), parameters.state);
  });

  for (const [question, parameters] of [
    ["whether it is to be this account", { prompt: "select_account" }],
    ["for consent", { prompt: "consent" }],
  ] as const) {
    test(`from our page that asks ${question}, for another account`, async () => {
      const person = await newPerson();
      const { browser } = person;
      await logInHosted(person);
      const world = await embeddedWorld({ tenant: person.flow.tenant });
      const asked = locationOf(await authorize(person, world.application, parameters));
      const page = `${world.tenant.server.url}${asked.pathname}`;
      const others = { ...hiddenFields(await browser.open(page)), action: "other_account" };
      const url = await followToPage(world, browser, await browser.post(page, others));
      const answer = await logInByCode(world, { browser, verifier: "", url });
      assert.ok(answer.json?.redirect_url, answer.text);
    });
  }
});

test("a browser comes to the application's own page by a page of ours after a form, and a phone by a redirect", async () => {
  for (const [said, status] of [
    [[], 200],
    [["sec-ch-ua-mobile: ?1"], 303],
  ] as const) {
    const person = await newPerson();
    await logInHosted(person);
    const { browser, flow } = person;
    const world = await embeddedWorld({ tenant: flow.tenant });
    const { pathname } = locationOf(await authorize(person, world.application, { prompt: "select_account" }));
    const page = `${flow.tenant.server.url}${pathname}`;
    await browser.post(page, { ...hiddenFields(await browser.open(page)), action: "other_account" });
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = ["sec-fetch-mode: navigate", "sec-fetch-site: same-origin", ...said, `cookie: ${cookie}`];
    const left = await sendRaw(flow.tenant.server.url, { method: "GET", target: pathname, headers });
    assert.equal(left.status, status, left.body);
    const line = status === 200 ? "\nrefresh: 0;url=" : "\nlocation: ";
    assert.ok(left.headers.includes(`${line}${SHOP}/in/bi-authenticate?`), left.headers);
  }
});

/** Follows redirects of ours to the application's page. */
async function followToPage({ tenant }: EmbeddedWorld, browser: TestBrowser, answer: Answer): Promise<string> {
  let location = locationOf(answer);
  while (location.origin !== SHOP) {
    location = locationOf(await browser.open(`${tenant.server.url}${location.pathname}${location.search}`));
  }
  assert.equal(location.pathname, "/in/bi-authenticate");
  return location.href;
}
