import assert from "node:assert/strict";
import { test } from "node:test";
import { replyToError } from "../../src/http/errors.ts";
import { ManagementError, type ManagementErrorCode } from "../../src/http/management-error.ts";
import type { Operation } from "../../src/http/operation.ts";
import { jsonReply } from "../../src/http/route.ts";
import { createLog } from "../../src/platform/log.ts";
import { GroupAnswer } from "../../src/resources/group/schema.ts";
import { judgeAnswer } from "../support/check-answer.ts";

// The check that all tests' answers pass would prove nothing if it found nothing.

const operation: Operation = {
  ...{ name: "GetThing", method: "GET", path: "/things", tag: "Things", summary: "Shows a thing.", scopes: [] },
  answer: GroupAnswer,
  isVersioned: true,
};
const group = {
  ...{ id: "00000000000000aa", tenant_id: "00000000000000ab", realm_id: "00000000000000ac" },
  ...{ display_name: "Clerks", description: "" },
  ...{ create_time: "2026-03-14T09:26:53.589Z", update_time: "2026-03-14T09:26:53.589Z" },
};
const judge = (status: number, value: unknown, headers: Record<string, string> = {}) =>
  judgeAnswer({ operation }, jsonReply(status, value, headers));

test("an answer as declared passes, and one of another status, shape, media type or header is found", () => {
  assert.equal(judge(200, group, { etag: '"1"' }), undefined);
  assert.match(judge(201, group) ?? "", /status/);
  assert.match(judge(200, { ...group, colour: "red" }) ?? "", /colour|additional/i);
  assert.match(judge(200, { ...group, id: 7 }) ?? "", /\/id/);
  assert.match(judge(200, group, { "content-type": "text/html" }) ?? "", /media type/);
  assert.match(judge(200, group, { "x-more": "1" }) ?? "", /x-more/);
  const { isVersioned: _, ...bare } = operation;
  assert.match(judgeAnswer({ operation: bare }, jsonReply(200, group, { etag: '"1"' })) ?? "", /ETag/);
  const { answer: __, ...empty } = operation;
  assert.match(judgeAnswer({ operation: empty }, jsonReply(200, group)) ?? "", /empty/);
});

test("an error that the operation does not declare, or of another shape, is found", () => {
  const log = createLog("silent", {});
  const refuse = (code: ManagementErrorCode) =>
    replyToError(new ManagementError(code, "no"), { kind: "management", traceId: "ab".repeat(16), log });
  assert.equal(judgeAnswer({ operation }, refuse("not_found")), undefined);
  assert.match(judgeAnswer({ operation }, refuse("conflict")) ?? "", /declared are/);
  assert.equal(judgeAnswer({ operation: { ...operation, refusals: ["conflict"] } }, refuse("conflict")), undefined);
  assert.match(judgeAnswer({ operation }, jsonReply(404, { error: "not_found" })) ?? "", /code/);
  assert.match(judgeAnswer({ operation }, refuse("service_unavailable")) ?? "", /Retry-After/);
});
