import assert from "node:assert/strict";
import { test } from "node:test";
import { newTraceId } from "../../src/http/trace-id.ts";
import { withdrawConsent } from "../../src/resources/consent/changes.ts";
import { authorize, logInByCode, newPerson, VERIFIER } from "../support/single-sign-on.ts";
import { locationOf } from "../support/test-browser.ts";

const LOGINS = 24;
const WITHDRAWN_AFTER = 8;

test("of logins that a remembered consent answers while it is withdrawn, none gives the application anything afterwards", async () => {
  const at = await newPerson({ config: { consent: "remembered" } });
  const { tenant, application } = at.flow;
  const { deps } = tenant.server;
  await logInByCode(at);
  const withdrawn = {
    at: deps.clock.nowSeconds(),
    atMs: deps.clock.nowMs(),
    traceId: newTraceId(deps.clock, deps.random),
  };
  const key = { ...application.key, identityId: at.identityId };
  const withdraw = () => withdrawConsent(deps.database, key, withdrawn);
  const answers: Promise<URL>[] = [];
  let withdrawal: Promise<unknown> = Promise.resolve();
  for (let login = 0; login < LOGINS; login += 1) {
    answers.push(authorize(at, application, { prompt: "none" }).then(locationOf));
    if (login === WITHDRAWN_AFTER) withdrawal = Promise.any(answers).then(withdraw);
  }
  await withdrawal;
  const told = await Promise.all(answers);
  const codes = told.flatMap(({ searchParams }) => searchParams.get("code") ?? []);
  assert.ok(codes.length > 0, "nobody was in time");
  for (const { searchParams } of told) assert.ok(["consent_required", null].includes(searchParams.get("error")));
  for (const code of codes) {
    const answer = await tenant.token(application, { grant_type: "authorization_code", code, code_verifier: VERIFIER });
    assert.equal(answer.json?.error, "invalid_grant", answer.text);
  }
});
