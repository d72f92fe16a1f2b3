import assert from "node:assert/strict";
import type { Queryable } from "../../src/database/database.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { listLoginMethods } from "../../src/resources/authenticator-config/queries.ts";
import * as requests from "../../src/resources/authorization-request/queries.ts";
import { newAuthorizationRequestId } from "../../src/resources/authorization-request/rules.ts";
import type { LoginStart } from "../../src/resources/authorization-request/schema.ts";
import * as consents from "../../src/resources/consent/queries.ts";
import { assignPairwiseSubject } from "../../src/resources/pairwise-subject/queries.ts";
import * as sessions from "../../src/resources/session/queries.ts";
import * as applications from "../../src/resources/session-application/queries.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";

/** The statements of sessions, with values of this tenant: not run, so that the sessions stay. */
export async function noteSessions(used: TenantInUse, note: Queryable, db: Queryable): Promise<void> {
  const { realm } = used.tenant;
  const key = { ...realm, sessionId: used.sessions.sessionId };
  const session = await sessions.findSession(db, key);
  assert.ok(session);
  const { identityId, authTime, amr, acr } = session;
  const proof = { identityId, secretHash: sha256("another"), authTime, amr, acr, keptUntilMs: 1 };
  await sessions.insertSession(note, { ...key, sessionId: key.sessionId.toLowerCase() }, proof, undefined);
  await sessions.setSessionChallenge(db, session, "asked");
  await sessions.setSessionChallenge(note, session, "another");
  await sessions.spendSessionChallenge(note, session, "asked");
  await sessions.renewSession(note, session, proof);
  await sessions.useSession(note, key, {
    identityId,
    at: authTime + 1,
    keptUntilMs: 1,
    seenSince: 0,
    authenticatedSince: 0,
  });
  await sessions.endSession(note, key, { at: authTime + 1, reason: "logout" });
  await sessions.listOpenSessions(note, { ...realm, identityId }, { seenSince: 0, authenticatedSince: 0 });
  await sessions.endOwnSession(note, { key, identityId }, { at: authTime + 1, reason: "logout" });
  const other = { ...key, sessionId: "another" };
  await sessions.endOtherSessions(note, { key: other, identityId }, { at: authTime + 1, reason: "logout" });
  const application = {
    ...key,
    ...used.flow.application.key,
    clientSessionId: key.sessionId,
    subject: identityId,
    withdrawnAtMs: undefined,
  };
  await applications.findSessionApplication(note, key, "application");
  await applications.findClientSession(note, application, key.sessionId);
  await applications.noteSessionApplication(note, { ...application, applicationId: used.job.key.applicationId });
  await applications.withdrawSessionApplications(note, { ...application, identityId }, 1);
  await applications.postponeLogout(note, application, 1);
  await applications.settleLogout(note, application, { outcome: "accepted", atMs: 1 });
  await assignPairwiseSubject(note, { ...realm, identityId }, { sector: "client.example", subject: "another" }).catch(
    () => undefined,
  );
  const authentication = { authTime, amr, acr, sessionId: key.sessionId };
  const start = { state: "verified" as const, person: { identityId, authentication }, now: authTime };
  await requests.startAuthorizationRequest(note, { ...realm, id: used.sessions.arrivedRequestId }, start);
  const asked = { ...realm, id: used.sessions.askedRequestId };
  await requests.confirmAuthorizationRequest(note, asked, authTime);
  await noteConsents(used, note, { identityId, now: authTime });
  await listLoginMethods(note, realm);
  await requests.forgetAuthorizationRequestPerson(note, asked, { challenge: "another", now: authTime });
  await notePasskeySteps(used, { note, db, start });
}

interface Begun {
  readonly person: NonNullable<LoginStart["person"]>;
  /** seconds of tenant time */
  readonly now: number;
}

/** Steps of logins that no other use leaves where they are to be taken. */
async function notePasskeySteps(
  { tenant, sessions: { askedRequestId } }: TenantInUse,
  { note, db, start }: { readonly note: Queryable; readonly db: Queryable; readonly start: Begun },
): Promise<void> {
  const { random, clock } = tenant.server.deps;
  const asked = await requests.findAuthorizationRequest(db, { ...tenant.realm, id: askedRequestId });
  assert.ok(asked);
  const begin = async (begun: LoginStart) => {
    const id = newAuthorizationRequestId(random, random.bytes(16), clock.nowSeconds());
    return requests.insertAuthorizationRequest(db, { ...asked, id, challenge: "one", start: begun });
  };
  const { person, now } = start;
  const offered = await begin({ state: "offer", person });
  await requests.passAuthorizationRequestOffer(note, offered, { next: "verified", now });
  const signingIn = await begin({ state: "email" });
  await requests.verifyAuthorizationRequestByPasskey(note, signingIn, {
    ...{ challenge: "one", nextChallenge: "another", next: "verified", now },
    ...person,
  });
}

async function noteConsents(
  used: TenantInUse,
  note: Queryable,
  { identityId, now }: { readonly identityId: string; readonly now: number },
): Promise<void> {
  const key = { ...used.flow.application.key, identityId };
  const terms = { scope: ["another"], claims: [], resourceServerId: undefined, maximumSeconds: 1, renewalSeconds: 0 };
  const asked = { ...used.tenant.realm, id: used.sessions.consentRequestId };
  await requests.agreeToAuthorizationRequest(note, asked, { consent: { ...terms, isRemembered: false }, now });
  await consents.findConsent(note, key);
  await consents.listConsents(note, key);
  await consents.listLiveGrants(note, key, now);
  await consents.listUnaskedAccess(note, { ...key, identityId: used.flow.identityId }, now);
  await consents.giveConsent(note, key, { terms, at: now + 1 });
  await consents.useConsent(note, key, now + 1);
  await consents.deleteConsent(note, key);
}
