import assert from "node:assert/strict";
import { hexId } from "../../src/platform/random.ts";
import { findIdentity, updateIdentitySettings } from "../../src/resources/identity/queries.ts";
import type { Answer } from "./http.ts";
import type { TestLogin } from "./test-browser.ts";
import type { CodeFlow } from "./test-code-flow.ts";
import type { TestTenant } from "./test-tenant.ts";

/** What no mail of a test tenant ever brings. */
export const WRONG_CODE = "111111";
const POLL_MS = 10;
const POLLS_MAX = 500;

/** An address that no other test uses. */
export function newAddress({ server }: TestTenant): string {
  return `${hexId(server.deps.random)}@example.com`;
}

/** Waits for what happens after an answer. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let poll = 0; poll < POLLS_MAX; poll += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error("it did not happen");
}

/** The decision of a request that was answered; login steps decide after the answer, too. */
export async function decisionOf(
  tenant: TestTenant,
  answer: Answer,
): Promise<{ outcome: string; facts: Record<string, unknown> }> {
  return eventually(async () => {
    const found = await tenant.manage("GET", `/decisions/${answer.headers.get("x-trace-id")}`);
    const decisions = (found.json?.decisions ?? []) as { outcome: string; facts: Record<string, unknown> }[];
    return decisions[0];
  });
}

/** The mails that a test tenant keeps, those that are on their way by now included. */
export async function mailsOf(tenant: TestTenant): Promise<readonly Record<string, string>[]> {
  await tenant.server.app.settled();
  return (await tenant.manage("GET", "/mails")).json?.mails as Record<string, string>[];
}

/** The page that asks for the code. */
export function assertCodePage(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /<h1>Check your email<\/h1>/);
}

/** The page that asks again, whatever the cause. */
export function assertWrong(answer: Answer): void {
  assert.equal(answer.status, 400, answer.text);
  assert.match(answer.text, /That code does not work/);
  assert.match(answer.text, /id="code"[^>]* aria-invalid="true" aria-describedby="problem"/);
}

/** Turns the code of a finished login into tokens, of 900 seconds. */
export async function exchange(at: CodeFlow, login: TestLogin, location: URL): Promise<Answer> {
  return at.tenant.token(at.application, {
    grant_type: "authorization_code",
    code: location.searchParams.get("code") ?? "",
    code_verifier: login.verifier,
    expiration_time: "900",
  });
}

/** Suspends an identity, as an administrator does. */
export async function suspend(tenant: TestTenant, identityId: string): Promise<void> {
  const db = tenant.server.deps.database.tenants([tenant.tenantId]);
  const key = { ...tenant.realm, identityId };
  const found = await findIdentity(db, key);
  assert.ok(found);
  const settings = { display_name: found.displayName, status: "suspended" as const, traits: found.traits };
  await updateIdentitySettings(db, key, settings, tenant.server.deps.clock.nowMs());
}
