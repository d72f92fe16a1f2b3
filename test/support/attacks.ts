import assert from "node:assert/strict";
import type { Answer } from "./http.ts";

/** Whether an answer is a page, or whatever else a browser would draw. */
export function isPage({ headers }: Answer): boolean {
  return /html/.test(headers.get("content-type") ?? "");
}

/** Asserts what keeps a page from being framed, scripted, kept, or told of to others. */
export function assertGuarded(answer: Answer, what: string): void {
  const { headers } = answer;
  const policy = (headers.get("content-security-policy") ?? "").split("; ");
  for (const directive of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"]) {
    assert.ok(policy.includes(directive), `${what}: ${directive} is not in ${policy.join("; ")}`);
  }
  assert.doesNotMatch(policy.join(), /unsafe-/, what);
  const form = policy.find((directive) => directive.startsWith("form-action "));
  assert.ok(form === "form-action 'self'" || form?.startsWith("form-action 'self' "), `${what}: ${form}`);
  assert.equal(headers.get("x-frame-options"), "DENY", what);
  assert.equal(headers.get("x-content-type-options"), "nosniff", what);
  assert.equal(headers.get("cache-control"), "no-store", what);
  assert.equal(headers.get("referrer-policy"), "no-referrer", what);
  assert.equal(headers.get("access-control-allow-origin"), null, what);
  assert.doesNotMatch(answer.text, / on[a-z]+=|<script(?! type="module" src="\/)|javascript:/i, what);
}
