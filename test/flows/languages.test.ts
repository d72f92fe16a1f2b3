import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { type Answer, call } from "../support/http.ts";
import { newAddress } from "../support/login-flow.ts";
import { newPerson } from "../support/single-sign-on.ts";
import { authorizeParameters, locationOf, testBrowser, testLogin } from "../support/test-browser.ts";
import { type CodeFlow, testCodeFlow } from "../support/test-code-flow.ts";

const SPANISH = { "accept-language": "es-MX,es;q=0.9,en;q=0.5" };

function assertSaid(answer: Answer, language: string, ...texts: readonly string[]): void {
  assert.match(answer.text, new RegExp(`^<!doctype html>\n<html lang="${language}">`));
  for (const text of texts) assert.ok(answer.text.includes(text), `${text} is not in ${answer.text}`);
}

describe("the languages of pages", () => {
  let at: CodeFlow;
  before(async () => {
    at = await testCodeFlow();
  });
  const authorize = (parameters: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
    call(`${at.application.issuer}/authorize?${new URLSearchParams(parameters)}`, { headers });

  test("a login is in the first language of ui_locales that is spoken here, from its first page to its last", async () => {
    const email = newAddress(at.tenant);
    await at.tenant.addIdentity(email);
    const parameters = { ui_locales: "tlh de-AT es", response_mode: "form_post" };
    const login = await testLogin(at.tenant, at.application, { parameters });
    const { browser } = login;
    assertSaid(await browser.open(login.url, SPANISH), "de", "Anmelden</h1>", "Testmandant", "Gesichert mit Mayfly");
    assertSaid(await browser.open(login.url), "de", "E-Mail-Adresse");
    assertSaid(await login.submit("send", { email: "?" }), "de", "Geben Sie Ihre E-Mail-Adresse ein");
    await login.submit("send", { email });
    assertSaid(await login.submit("verify", { code: "111111" }), "de", "Dieser Code gilt nicht");
    const { pathname, search } = locationOf(await login.submit("verify", { code: "424242" }));
    const completion = `${at.tenant.server.url}${pathname}${search}`;
    assertSaid(await browser.open(completion), "de", "Gleich geschafft", ">Weiter</button>");
    assertSaid(await browser.open(completion), "de", "Diese Anmeldung ist beendet");
    assertSaid(await browser.open(login.url, SPANISH), "de", "Diese Anmeldung ist beendet");
  });

  test("without ui_locales it is in the language that the browser prefers, else in English", async () => {
    const login = await testLogin(at.tenant, at.application, { parameters: { ui_locales: "tlh" } });
    assertSaid(await login.browser.open(login.url, SPANISH), "es", "Iniciar sesión</h1>", "Correo electrónico");
    assertSaid(await login.browser.open(login.url, { "accept-language": "fr" }), "en", "Sign in</h1>");
  });

  test("another browser is told off in the language of the login", async () => {
    const { url } = await testLogin(at.tenant, at.application, { parameters: { ui_locales: "de" } });
    assertSaid(await call(url, { headers: SPANISH }), "de", "gehört zu einem anderen Browser");
    const strange = url.replace(/[^/]+$/, "A".repeat(32));
    assertSaid(await call(strange, { headers: SPANISH }), "es", "Este inicio de sesión no es conocido");
  });

  test("a request that stays with us is refused in the visitor's language, and its details are for developers", async () => {
    const parameters = authorizeParameters(at.application, "v".repeat(43), { redirect_uri: "https://evil.example/" });
    const refused = await authorize({ ...parameters, ui_locales: "de" }, SPANISH);
    assertSaid(refused, "de", "Dieser Link lässt sich nicht verwenden", "redirect_uri is not registered");
    assertSaid(await authorize(parameters, SPANISH), "es", "Este enlace no se puede usar");
    assertSaid(await authorize({ ...parameters, ui_locales: "x".repeat(9_000) }), "en", "This link cannot be used");
    const twice = `${at.application.issuer}/authorize?${new URLSearchParams(parameters)}&ui_locales=de&ui_locales=es`;
    assertSaid(await call(twice), "en", "This link cannot be used");
  });

  test("a program is told in English", async () => {
    const headers = { ...SPANISH, accept: "application/json" };
    const { url } = await testLogin(at.tenant, at.application, { parameters: { ui_locales: "de" } });
    const answer = await call(url, { headers });
    assert.equal(answer.json?.error_description, "This sign-in belongs to another browser");
  });

  test("a client is told of an error by a form whose page speaks the visitor's language", async () => {
    const parameters = { ...authorizeParameters(at.application, "v".repeat(43)), response_mode: "form_post" };
    const failed = { ...parameters, response_type: "token" };
    assertSaid(await authorize({ ...failed, ui_locales: "es" }), "es", "Ya casi está");
    assertSaid(await authorize(failed, { "accept-language": "de" }), "de", "Gleich geschafft");
  });

  test("a logout asks and answers in the language that the client names", async () => {
    const person = await newPerson();
    const login = await testLogin(person.flow.tenant, person.flow.application, person);
    await login.finish(await login.logIn(person.email));
    const leave = `${person.flow.application.issuer}/end-session`;
    const asked = await person.browser.open(`${leave}?ui_locales=de`, SPANISH);
    assertSaid(asked, "de", "Abmelden?");
    const fields = Object.fromEntries(
      [...asked.text.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    assertSaid(await person.browser.post(leave, fields, SPANISH), "de", "Sie sind abgemeldet");
    assertSaid(await testBrowser().open(leave, SPANISH), "es", "La sesión está cerrada");
  });

  test("a binding link that is not valid says so in the visitor's language", async () => {
    const { tenantId, realmId } = at.tenant.realm;
    const job = `identities/${"a".repeat(16)}/credential-binding-jobs/${"b".repeat(16)}:invokeAuthenticator`;
    const url = `${at.tenant.server.url}/v1/tenants/${tenantId}/realms/${realmId}/${job}?token=x`;
    assertSaid(await call(url, { headers: SPANISH }), "es", "Este enlace no es válido");
  });

  test("discovery says which languages there are", async () => {
    const { json } = await call(`${at.application.issuer}/.well-known/openid-configuration`);
    assert.deepEqual(json?.ui_locales_supported, ["en", "de", "es"]);
  });
});
