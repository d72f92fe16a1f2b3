import assert from "node:assert/strict";
import type { Answer } from "./http.ts";

export const INVALID_GRANT =
  "The authorization grant is invalid, expired, revoked, already used, or was issued to another client.";
export const INVALID_CLIENT = "Client authentication failed.";

/** An auth route's refusal, in the one form that all have (rule 38). */
export function assertRefused(answer: Answer, status: number, error: string): void {
  assert.equal(answer.status, status, answer.text);
  assert.deepEqual(Object.keys(answer.json ?? {}), ["error", "error_description", "trace_id"], answer.text);
  assert.equal(answer.json?.error, error, answer.text);
  assert.match(String(answer.json?.error_description), /^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/); // RFC 6749 §5.2
  assert.equal(answer.json?.trace_id, answer.headers.get("x-trace-id"));
  assert.match(answer.headers.get("cache-control") ?? "", /no-store/);
  assert.equal(answer.headers.get("content-type"), "application/json; charset=utf-8");
  if (status === 401) assert.ok(answer.headers.get("www-authenticate"), "a 401 without WWW-Authenticate");
}

/** `invalid_grant` with its one wording (rule 23). */
export function assertInvalidGrant(answer: Answer): void {
  assertRefused(answer, 400, "invalid_grant");
  assert.equal(answer.json?.error_description, INVALID_GRANT);
}

/** `invalid_client` with its one wording (rule 23). */
export function assertInvalidClient(answer: Answer, status = 401): void {
  assertRefused(answer, status, "invalid_client");
  assert.equal(answer.json?.error_description, INVALID_CLIENT);
}

/** The fields that a management route's 400 names, each once. */
export function violatedFields(answer: Answer): string[] {
  assert.equal(answer.status, 400, answer.text);
  assert.equal(answer.json?.code, "bad_request");
  const { details } = answer.json as { details: { type: string; field_violations: { field: string }[] }[] };
  assert.equal(details[0]?.type, "FieldViolations", answer.text);
  return [...new Set(details[0].field_violations.map(({ field }) => field))].sort();
}
