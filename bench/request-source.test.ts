import assert from "node:assert/strict";
import { test } from "node:test";
import { requestText } from "./http-request.ts";
import { findBetween, openRequestSource } from "./request-source.ts";
import { compileTemplate, VALUE_MARKER } from "./request-template.ts";

const template = requestText({ path: "/revoke", form: { a: "1", token: VALUE_MARKER, z: "2" } }, 80);
const place = { after: '"next":"', before: '"' };

test("a template is the request with the value in it, its content length included", () => {
  for (const value of ["x", "a".repeat(300)]) {
    const expected = requestText({ path: "/revoke", form: { a: "1", token: value, z: "2" } }, 80);
    const [head, body] = compileTemplate(template)(value).toString().split("\r\n\r\n");
    assert.equal(body, expected.split("\r\n\r\n")[1]);
    assert.deepEqual(head?.split("\r\n").sort(), expected.split("\r\n\r\n")[0]?.split("\r\n").sort());
  }
});

test("a template without a body takes the value in its path", () => {
  const fill = compileTemplate(requestText({ path: `/tokens/${VALUE_MARKER}` }, 80));
  assert.equal(fill("x").toString(), requestText({ path: "/tokens/x" }, 80));
});

test("a template holds its marker once", () => {
  assert.throws(() => compileTemplate("GET / HTTP/1.1\r\n\r\n"));
  assert.throws(() => compileTemplate(`${VALUE_MARKER}${VALUE_MARKER}`));
});

test("requests that may be repeated are sent in turn for ever", () => {
  const source = openRequestSource({ kind: "cycle", requests: ["a", "b"] });
  assert.deepEqual(
    [0, 1, 0].map((connection) => source.next(connection)?.toString()),
    ["a", "b", "a"],
  );
  assert.equal(source.isSpent(), false);
});

test("a value that is for once is sent once, whatever the connection, and then there is none", () => {
  const source = openRequestSource({ kind: "once", template: `GET /${VALUE_MARKER}`, values: ["a", "b"] });
  assert.equal(source.next(7)?.toString(), "GET /a");
  assert.equal(source.isSpent(), false);
  assert.equal(source.next(3)?.toString(), "GET /b");
  assert.equal(source.isSpent(), true);
  assert.equal(source.next(7), undefined);
});

test("each connection of a chain goes on with the value of its own last answer", () => {
  const source = openRequestSource({
    kind: "chain",
    template: `GET /${VALUE_MARKER}`,
    values: ["a", "b"],
    next: place,
  });
  assert.equal(source.next(1)?.toString(), "GET /b");
  assert.equal(source.next(0)?.toString(), "GET /a");
  assert.equal(source.learn(0, Buffer.from('{"next":"c"}')), undefined);
  assert.equal(source.next(0)?.toString(), "GET /c");
  assert.equal(source.next(1), undefined, "its answer is not there yet");
  assert.equal(source.next(2), undefined, "there was no value for it");
  assert.match(source.learn(1, Buffer.from("{}")) ?? "", /nothing between/);
  assert.equal(source.next(1), undefined, "the chain is broken");
});

test("a value is found between its neighbours only", () => {
  assert.equal(findBetween(Buffer.from('{"next":"x","y":"z"}'), place), "x");
  assert.equal(findBetween(Buffer.from('{"other":"x"}'), place), undefined);
  assert.equal(findBetween(Buffer.from('{"next":"x'), place), undefined);
});
