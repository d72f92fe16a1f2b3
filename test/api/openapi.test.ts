import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternOf } from "../../src/http/operation.ts";
import { EMBEDDED_OPERATIONS } from "../../src/login/embedded/operations.ts";
import { AUTH_OPERATIONS } from "../../src/oauth/operations.ts";
import { call } from "../support/http.ts";
import { sharedServer } from "../support/test-server.ts";

interface Documented {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}

async function readDocument() {
  const { url } = await sharedServer();
  const answer = await call(`${url}/openapi.json`);
  assert.equal(answer.status, 200, answer.text);
  return { url, answer, document: JSON.parse(answer.text) };
}

function operationsIn(document: { paths: Record<string, Record<string, Documented>> }): Documented[] {
  return Object.values(document.paths).flatMap((methods) => Object.values(methods));
}

describe("the OpenAPI document", () => {
  test("is kept by clients until it is another", async () => {
    const { url, answer } = await readDocument();
    assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
    assert.match(answer.headers.get("cache-control") ?? "", /^public, max-age=\d+$/);
    const etag = answer.headers.get("etag") ?? "";
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await call(`${url}/openapi.json`, { headers: { "if-none-match": known } });
      assert.deepEqual([again.status, again.text, again.headers.get("etag")], [304, "", etag], known);
    }
    assert.equal((await call(`${url}/openapi.json`, { headers: { "if-none-match": '"other"' } })).status, 200);
    assert.equal((await call(`${url}/openapi.json`, { method: "POST" })).status, 405);
  });

  test("refers to nothing that it does not have, and has nothing that nobody refers to", async () => {
    const { answer, document } = await readDocument();
    const refs = [...answer.text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];
    const used = new Set(refs.map(([, place = "", name = ""]) => `${place}/${name}`));
    const places: [string, object][] = Object.entries(document.components);
    const had = places
      .filter(([place]) => place !== "securitySchemes")
      .flatMap(([place, all]) => Object.keys(all).map((name) => `${place}/${name}`));
    assert.deepEqual(
      [...used].filter((name) => !had.includes(name)),
      [],
    );
    const unused = had.filter((name) => !used.has(name) && !name.startsWith("responses/"));
    assert.deepEqual(unused, []);
  });

  test("names every operation once, and answers of errors by their code", async () => {
    const { document } = await readDocument();
    const operations = operationsIn(document);
    const names = operations.map(({ operationId }) => operationId);
    assert.equal(new Set(names).size, names.length);
    const update = operations.find(({ operationId }) => operationId === "UpdateGroup");
    assert.equal(update?.responses["412"]?.$ref, "#/components/responses/precondition_failed");
    assert.equal(
      document.components.responses.conflict.content["application/json"].schema.$ref,
      "#/components/schemas/Error",
    );
  });

  test("describes endpoints of the protocol that exist, with expiration_time and its bounds", async () => {
    const { document } = await readDocument();
    const { routes } = (await sharedServer()).app;
    for (const { name, method, path } of [...AUTH_OPERATIONS, ...Object.values(EMBEDDED_OPERATIONS)]) {
      assert.ok(document.paths[path][method.toLowerCase()], name);
      const route = routes.find((one) => one.name === name && one.method === method);
      assert.equal(route?.path, patternOf(path), name);
    }
    const token = AUTH_OPERATIONS.find(({ name }) => name === "token");
    const { requestBody } = document.paths[token?.path ?? ""].post;
    const { $ref } = requestBody.content["application/x-www-form-urlencoded"].schema;
    const schema = $ref === undefined ? requestBody.content["application/x-www-form-urlencoded"].schema : undefined;
    assert.equal(schema?.properties.expiration_time.pattern, "^[1-9][0-9]{0,9}$");
  });
});

describe("the rendered reference", () => {
  test("shows every operation, and all its links lead somewhere", async () => {
    const { url, document } = await readDocument();
    const overview = await call(`${url}/docs`);
    assert.equal(overview.status, 200);
    const links = [...overview.text.matchAll(/href="(\/docs\/[^"#]+)"/g)].map(([, link = ""]) => link);
    const pages = new Map(
      await Promise.all([...new Set(links)].map(async (link) => [link, await call(url + link)] as const)),
    );
    for (const [link, { status }] of pages) assert.equal(status, 200, link);
    for (const { operationId } of operationsIn(document)) {
      const shown = [...pages.values()].filter(({ text }) => text.includes(`<article id="${operationId}">`));
      assert.equal(shown.length, 1, operationId);
      assert.ok(overview.text.includes(`#${operationId}"`), operationId);
    }
    assert.equal((await call(`${url}/docs/no-such-page`)).status, 404);
  });

  test("runs nothing and loads nothing", async () => {
    const { url } = await sharedServer();
    for (const path of ["/docs", "/docs/groups", "/docs/no-such-page"]) {
      const { text, headers } = await call(url + path);
      const policy = headers.get("content-security-policy") ?? "";
      assert.match(
        policy,
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'$/,
      );
      assert.doesNotMatch(text, /<script|<link|<img|\son\w+=|\sstyle=|src=/i);
    }
  });
});
