import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DeclarativeError, parseDeclarativeFile } from "./file.ts";

function problems(text: string): string {
  try {
    parseDeclarativeFile("m.yaml", text);
    return "";
  } catch (error) {
    assert.ok(error instanceof DeclarativeError);
    return error.message;
  }
}

describe("a declarative file", () => {
  test("is read as YAML or JSON", () => {
    const text = 'version: 1\ntenants:\n  - id: "0123456789abcdef"\n    display_name: Shop\n';
    const { content } = parseDeclarativeFile("m.yaml", text);
    assert.deepEqual(content, { version: 1, tenants: [{ id: "0123456789abcdef", display_name: "Shop" }] });
    assert.deepEqual(parseDeclarativeFile("m.json", JSON.stringify(content)).content, content);
  });

  test("is refused by line, path and rule, all of it at once", () => {
    const text = `version: 1
tenants:
  - id: 1234567890123456
    colour: red
    realms:
      - id: "0123456789abcdef"
        applications:
          - protocol_config:
              pkce: maybe
              client_secret: {envv: X}
`;
    assert.deepEqual(problems(text).split("\n").sort(), [
      "m.yaml:10: tenants[0].realms[0].applications[0].protocol_config.client_secret.envv: is not a known member",
      "m.yaml:3: tenants[0].id: must be string; put it in quotes",
      "m.yaml:4: tenants[0].colour: is not a known member",
      "m.yaml:8: tenants[0].realms[0].applications[0].id: missing",
      "m.yaml:9: tenants[0].realms[0].applications[0].protocol_config.pkce: must be one of disabled, plain, s256",
    ]);
  });

  test("is refused when it is no YAML, says a thing twice, or is of another version", () => {
    assert.match(problems("version: 1\ntenants: [\n  a: b: c"), /^m\.yaml:3: is not YAML: /);
    assert.match(problems("version: 1\nversion: 1\ntenants: []"), /^m\.yaml:2: is not YAML: Map keys must be unique$/);
    assert.equal(problems("version: 2\ntenants: []"), "m.yaml:1: version: must be 1");
    assert.equal(problems(""), "m.yaml:1: must be object");
  });

  test("is refused when its aliases would fill the memory", () => {
    const lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"];
    for (const name of ["b", "c", "d", "e", "f", "g"]) {
      const previous = String.fromCharCode(name.charCodeAt(0) - 1);
      lines.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${previous}`).join(", ")}]`);
    }
    assert.match(problems(lines.join("\n")), /^m\.yaml:1: is not YAML: /);
  });

  test("tells the line of a place, or of what is around it", () => {
    const file = parseDeclarativeFile("m.yaml", 'version: 1\ntenants:\n  - id: "0123456789abcdef"\n    test: true\n');
    assert.equal(file.lineOf(["tenants", 0, "test"]), 4);
    assert.equal(file.lineOf(["tenants", 0, "display_name"]), 3);
    assert.equal(file.lineOf(["tenants", 7]), 2);
    assert.equal(file.lineOf([]), 1);
  });
});
