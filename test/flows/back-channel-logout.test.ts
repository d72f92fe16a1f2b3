import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { backChannelLogoutJob } from "../../src/jobs/back-channel-logout.ts";
import { listDueLogouts, settleLogout } from "../../src/resources/session-application/queries.ts";
import { act, openAccount, sessionIdOf, somebodyElse } from "../support/account-page.ts";
import { keepJob } from "../support/leased-job.ts";
import { suspend } from "../support/login-flow.ts";
import { type LogoutReceiver, logoutReceiver } from "../support/logout-receiver.ts";
import { movableClock } from "../support/movable-clock.ts";
import { idClaims, logInByCode, newPerson, type SignedIn, secondApplication } from "../support/single-sign-on.ts";
import { hiddenFields, testBrowser } from "../support/test-browser.ts";
import type { Tokens } from "../support/test-code-flow.ts";
import { type TestServer, testServer } from "../support/test-server.ts";
import { type TestApplication, testTenant } from "../support/test-tenant.ts";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";

// The server's own job and its clock stand still: who is told when, the tests say.
describe("back-channel logout", () => {
  let server: TestServer;
  const receivers: LogoutReceiver[] = [];

  before(async () => {
    server = await testServer({ clock: movableClock(), environment: { MAYFLY_EGRESS_ALLOW: "127.0.0.1" } });
    await keepJob(server, backChannelLogoutJob);
  });
  after(async () => {
    for (const receiver of receivers) receiver.close();
    await server.stop();
  });

  /** Tells whom there is to tell, by a clock that is so many seconds ahead. */
  async function tell(laterSeconds = 0): Promise<void> {
    const { deps } = server;
    const clock = { ...deps.clock, nowMs: () => deps.clock.nowMs() + laterSeconds * 1_000 };
    await backChannelLogoutJob.run({ ...deps, clock });
  }

  async function receive(): Promise<LogoutReceiver> {
    const receiver = await logoutReceiver();
    receivers.push(receiver);
    return receiver;
  }

  async function person(receiver: LogoutReceiver, path = "/out?rp=1"): Promise<SignedIn & { tokens: Tokens }> {
    const tenant = await testTenant({ server });
    const at = await newPerson({ tenant, config: { backchannel_logout_uri: `${receiver.url}${path}` } });
    return { ...at, tokens: await logInByCode(at) };
  }

  async function logOut({ browser }: SignedIn, application: TestApplication): Promise<void> {
    const url = `${application.issuer}/end-session`;
    const left = await browser.post(url, hiddenFields(await browser.open(url)));
    assert.match(left.text, /You are signed out/);
  }

  test("each application of the session gets a logout token of its own, signed as its ID tokens are (§2.4, §2.5)", async () => {
    const [receiver, others] = [await receive(), await receive()];
    const at = await person(receiver);
    const rsa = { token_configuration: { expires_after: 600, id_token_signed_response_alg: "RS256" as const } };
    const other = await secondApplication(at, { ...rsa, backchannel_logout_uri: `${others.url}/out` });
    await logInByCode(at, other, { prompt: "login" });
    const silent = await secondApplication(at, { backchannel_logout_uri: `${others.url}/never` });
    await tell();
    assert.equal(receiver.received.length, 0, "while the session lives nobody is told");
    await logOut(at, at.flow.application);
    await tell();
    const [sent] = receiver.received;
    assert.ok(sent);
    assert.deepEqual([sent.path, sent.contentType], ["/out?rp=1", "application/x-www-form-urlencoded"]);
    assert.deepEqual(Object.keys(sent.fields), ["logout_token"]);
    const jwks = createRemoteJWKSet(new URL(`${at.flow.application.issuer}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(sent.fields.logout_token ?? "", jwks, {
      issuer: at.flow.application.issuer,
      audience: at.flow.application.clientId,
      typ: "logout+jwt",
    });
    const idToken = idClaims(at.tokens);
    assert.equal(protectedHeader.alg, "ES256");
    assert.deepEqual(Object.keys(payload).sort(), ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]);
    assert.deepEqual([payload.sub, payload.sid], [idToken.sub, idToken.sid]);
    assert.equal(Number(payload.exp) - Number(payload.iat), 120);
    assert.deepEqual(payload.events, { [EVENT]: {} });
    const theirs = decodeJwt(others.received[0]?.fields.logout_token ?? "");
    assert.deepEqual([theirs.iss, theirs.aud], [other.issuer, other.clientId]);
    assert.ok(
      others.received.every(({ path }) => path === "/out"),
      `${silent.clientId} was not used in the session`,
    );
  });

  test("one that is away is told later, by whichever node then runs the job, and once it has heard not again", async () => {
    const receiver = await receive();
    receiver.answer({ status: 503 });
    const at = await person(receiver);
    await logOut(at, at.flow.application);
    await tell();
    assert.equal(receiver.received.length, 1);
    await tell();
    assert.equal(receiver.received.length, 1, "not before it is due");
    receiver.answer({ status: 204 });
    await tell(6);
    assert.equal(receiver.received.length, 2);
    const [first, last] = [receiver.received[0], receiver.received.at(-1)].map((one) =>
      decodeJwt(one?.fields.logout_token ?? ""),
    );
    assert.notEqual(first?.jti, last?.jti, "a token of two minutes is made for each attempt");
    await tell(86_400);
    assert.equal(receiver.received.length, 2);
  });

  test("one that refuses is not asked again, and one that never answers is given up in the end", async () => {
    const [refusing, away] = [await receive(), await receive()];
    refusing.answer({ status: 400 });
    away.answer({ status: 500 });
    const at = await person(refusing);
    const lost = await person(away);
    for (const one of [at, lost]) await logOut(one, one.flow.application);
    for (let later = 0; later < 20; later += 1) await tell(later * 10_000);
    assert.deepEqual([refusing.received.length, away.received.length], [1, 8]);
    const rows = await server.deps.database.maintain((session) =>
      session.query(
        `SELECT p.told_outcome, s.is_told FROM session_applications p JOIN sessions s ON s.tenant_id = p.tenant_id AND s.session_id = p.session_id
          WHERE p.tenant_id = $1`,
        [lost.flow.tenant.tenantId],
      ),
    );
    assert.deepEqual(rows, [{ told_outcome: "given_up", is_told: true }]);
  });

  test("one tenant's applications that are many do not come before those of others", async () => {
    const receiver = await receive();
    const [many, one] = [await person(receiver), await person(receiver)];
    for (let more = 0; more < 3; more += 1) {
      const other = await secondApplication(many, { backchannel_logout_uri: `${receiver.url}/out` });
      await logInByCode(many, other, { prompt: "login" });
    }
    await logOut(many, many.flow.application);
    await logOut(one, one.flow.application);
    const tenantIds = [many, one].map(({ flow }) => flow.tenant.tenantId);
    const { database, clock } = server.deps;
    const found = await database.maintain((session) => listDueLogouts(session, { nowMs: clock.nowMs(), limit: 1_000 }));
    const due = found.map(({ tenantId }) => tenantId).filter((id) => tenantIds.includes(id));
    assert.equal(due.length, 5);
    assert.deepEqual(new Set(due.slice(0, 2)), new Set(tenantIds));
  });

  test("an application hears of each session that its person ends on the account page, wherever that is done", async () => {
    const receiver = await receive();
    const at = await person(receiver);
    const others: SignedIn[] = [];
    for (let more = 0; more < 3; more += 1) {
      const other = { ...at, browser: testBrowser() };
      await logInByCode(other);
      others.push(other);
    }
    const sids = others.map(sessionIdOf);
    const heard = () => receiver.received.map(({ fields }) => decodeJwt(fields.logout_token ?? "").sid);
    await act(at, "end_session", { session_id: sids[0] ?? "" });
    await tell();
    assert.deepEqual(heard(), sids.slice(0, 1));
    await act(at, "end_others");
    await tell();
    assert.deepEqual(heard().toSorted(), sids.toSorted());
    const own = sessionIdOf(at);
    await act(at, "sign_out");
    await tell();
    assert.deepEqual(heard().slice(sids.length), [own]);
  });

  test("one whose access is withdrawn hears that it is over, once, and nobody else does; logged in to again it hears of the end", async () => {
    const [receiver, others] = [await receive(), await receive()];
    const at = await person(receiver);
    const other = await secondApplication(at, { backchannel_logout_uri: `${others.url}/out` });
    await logInByCode(at, other, { prompt: "login" });
    const eve = await somebodyElse(at);
    const { applicationId } = at.flow.application.key;
    const heard = () => receiver.received.map(({ fields }) => decodeJwt(fields.logout_token ?? ""));
    const sid = sessionIdOf(at);
    await act(at, "end_access", { application_id: applicationId });
    await tell();
    assert.deepEqual(
      heard().map((token) => [token.sid, token.sub, token.aud]),
      [[sid, idClaims(at.tokens).sub, at.flow.application.clientId]],
    );
    await act(at, "withdraw", { application_id: applicationId });
    await tell(86_400);
    assert.deepEqual([heard().length, others.received.length], [1, 0]);
    assert.equal((await openAccount(eve)).status, 200);
    // Taken back and logged in to again before it was told: there is nothing to tell.
    await logInByCode(at, at.flow.application, { prompt: "login" });
    await act(at, "end_access", { application_id: applicationId });
    await logInByCode(at, at.flow.application, { prompt: "login" });
    await tell();
    assert.equal(heard().length, 1);
    // While it is being told of that, the person logs in to it again: it hears of the end all the same.
    await act(at, "end_access", { application_id: applicationId });
    const { database, clock } = server.deps;
    const due = await database.maintain((session) => listDueLogouts(session, { nowMs: clock.nowMs(), limit: 1_000 }));
    const telling = due.find((one) => one.applicationId === applicationId);
    assert.ok(telling);
    await logInByCode(at, at.flow.application, { prompt: "login" });
    const db = database.tenants([telling.tenantId]);
    await settleLogout(db, telling, { outcome: "accepted", atMs: clock.nowMs() });
    await act(at, "sign_out");
    await tell();
    assert.deepEqual([heard().map((token) => token.sid), others.received.length], [[sid, sid], 1]);
  });

  test("a redirect is not followed, and a suspended person's applications are told too", async () => {
    const [receiver, elsewhere] = [await receive(), await receive()];
    receiver.answer({ status: 302, location: `${elsewhere.url}/metadata` });
    const at = await person(receiver);
    await suspend(at.flow.tenant, at.identityId);
    await tell();
    assert.equal(receiver.received.length, 1);
    assert.equal(elsewhere.received.length, 0);
  });

  test("an address that is not public, and one without https, are not sent to unless they are allowed (rule 22)", async () => {
    const receiver = await receive();
    const port = new URL(receiver.url).port;
    for (const uri of [`https://localhost:${port}/`, `http://[::1]:${port}/`, `https://127.0.0.2:${port}/`]) {
      const tenant = await testTenant({ server });
      const at = await newPerson({ tenant, config: { backchannel_logout_uri: uri } });
      await logInByCode(at);
      await logOut(at, at.flow.application);
      await tell();
      const rows = await server.deps.database.maintain((session) =>
        session.query("SELECT told_outcome FROM session_applications WHERE tenant_id = $1", [tenant.tenantId]),
      );
      assert.deepEqual(rows, [{ told_outcome: "refused" }], uri);
    }
    assert.equal(receiver.received.length, 0);
  });
});
