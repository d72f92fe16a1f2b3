import assert from "node:assert/strict";
import { test } from "node:test";
import { splitHosts } from "./postgres-url.ts";

test("a URL with several hosts is a URL for each, in their order, with the same user, database and options", () => {
  assert.deepEqual(splitHosts("postgres://u:p%40,@a:5433,[::1]:5432,c/db?sslmode=require&x=a,b"), [
    "postgres://u:p%40,@a:5433/db?sslmode=require&x=a,b",
    "postgres://u:p%40,@[::1]:5432/db?sslmode=require&x=a,b",
    "postgres://u:p%40,@c/db?sslmode=require&x=a,b",
  ]);
  assert.deepEqual(splitHosts("postgresql://db"), ["postgresql://db"]);
  const socket = "postgres:///db?host=/var/run/postgresql";
  assert.deepEqual(splitHosts(socket), [socket]);
});

test("what names no host, or too many, cannot be used", () => {
  const nine = Array.from({ length: 9 }, (_, index) => `h${index}`).join(",");
  for (const url of [
    "postgres://u:p@/db",
    "postgres://a,/db",
    "postgres://u:p@a,u:p@b/db",
    "postgres://u:p@a:5432,v@b:5432,w:p@c/db",
    "postgres://,a/db",
    "postgres://a:x,b/db",
    "postgres://a,b/d b",
    "mysql://a",
    "db:5432",
    `postgres://${nine}/db`,
  ]) {
    assert.equal(splitHosts(url), undefined, url);
  }
});
