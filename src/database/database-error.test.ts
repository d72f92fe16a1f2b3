import assert from "node:assert/strict";
import { test } from "node:test";
import { DatabaseUnavailable, sqlState, translateDatabaseError } from "./database-error.ts";

test("a broken pipe is a lost connection, though EPIPE has the form of a SQLSTATE", () => {
  const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE", errno: -32, syscall: "write" });
  assert.equal(sqlState(error), undefined);
  const translated = translateDatabaseError(error);
  assert.ok(translated instanceof DatabaseUnavailable);
  assert.equal(translated.mayHaveCommitted, true);
});
