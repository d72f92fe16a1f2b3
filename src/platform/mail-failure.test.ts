import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeMailError } from "./mail-failure.ts";

const failure = (code: string | undefined, responseCode?: number): Error =>
  Object.assign(new Error("said <ada@example.com>"), { code, responseCode });

test("what a mail server says of a mail is final from 500 on; what it says of us, or cannot say, is not", () => {
  const cases = [
    [failure("EENVELOPE", 550), "refused_by_server", true],
    [failure("EMESSAGE", 554), "refused_by_server", true],
    [failure("EENVELOPE", 450), "deferred_by_server", false],
    [failure("EMESSAGE", 452), "deferred_by_server", false],
    [failure("EENVELOPE", 503), "deferred_by_server", false],
    [failure("EENVELOPE"), "invalid_mail", true],
    [new RangeError("not one mail address"), "invalid_mail", true],
    [failure("EENVELOPE", 530), "login_refused", false],
    [failure("EAUTH", 535), "login_refused", false],
    [failure("ECONNECTION", 554), "deferred_by_server", false],
    [failure("ECONNECTION"), "unreachable", false],
    [failure("ETIMEDOUT"), "timeout", false],
    [failure("EABORT"), "timeout", false],
    [failure(undefined), "unreachable", false],
    ["thrown", "unreachable", false],
  ] as const;
  for (const [error, reason, isFinal] of cases)
    assert.deepEqual(judgeMailError(error), { reason, isFinal }, String(error));
});
