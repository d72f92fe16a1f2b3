import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { Queryable, SentStatement } from "../../src/database/database.ts";
import { bytea } from "../../src/database/row-id.ts";
import { newTraceId } from "../../src/http/trace-id.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { hexId, uuid } from "../../src/platform/random.ts";
import { parseRefreshToken } from "../../src/protocol/opaque-token.ts";
import { subjectKey } from "../../src/protocol/subject.ts";
import * as applications from "../../src/resources/application/queries.ts";
import { addAttempt, sumAttempts } from "../../src/resources/attempt-count/queries.ts";
import * as authenticatorConfigs from "../../src/resources/authenticator-config/queries.ts";
import { readPowerOf } from "../../src/resources/authority/queries.ts";
import * as requests from "../../src/resources/authorization-request/queries.ts";
import { insertDecisions } from "../../src/resources/decision/queries.ts";
import { insertEvents } from "../../src/resources/event/queries.ts";
import { readGrants } from "../../src/resources/grant/queries.ts";
import * as groups from "../../src/resources/group/queries.ts";
import { takeIdempotencyKey } from "../../src/resources/idempotency-key/queries.ts";
import * as identities from "../../src/resources/identity/queries.ts";
import * as liveCounts from "../../src/resources/live-count/queries.ts";
import { takeLoginAllowance } from "../../src/resources/login-allowance/queries.ts";
import { insertMail } from "../../src/resources/mail/queries.ts";
import * as realms from "../../src/resources/realm/queries.ts";
import { takeAllowance } from "../../src/resources/request-allowance/queries.ts";
import * as resourceServers from "../../src/resources/resource-server/queries.ts";
import { type Revocation, revokeGrants, revokeTokens } from "../../src/resources/revocation/queries.ts";
import * as roles from "../../src/resources/role/queries.ts";
import { takeLostScopes } from "../../src/resources/scope-loss/queries.ts";
import { lowerGrants, lowerTokens } from "../../src/resources/shortening/queries.ts";
import * as signingKeys from "../../src/resources/signing-key/queries.ts";
import * as tenants from "../../src/resources/tenant/queries.ts";
import { readTokens } from "../../src/resources/token/queries.ts";
import { countTokens, listDescendants, listTokens } from "../../src/resources/token-list/queries.ts";
import { addTokenUsage, readTokenUsage } from "../../src/resources/token-usage/queries.ts";
import { awaitUses, takeUses } from "../../src/resources/token-use/queries.ts";
import { listTrustedOrigins } from "../../src/resources/trusted-origin/queries.ts";
import { noteDevices } from "./tenancy-devices.ts";
import { noteEmbedded } from "./tenancy-embedded.ts";
import { noteFeeds } from "./tenancy-feeds.ts";
import { noteLists } from "./tenancy-lists.ts";
import type { TenantInUse } from "./tenancy-scenario.ts";
import { noteSessions } from "./tenancy-sessions.ts";

// Statements that no route sends yet, or that would end what the scenario made: recorded with the values that they would be sent
// with, and not run. A new statement that no use sends belongs here.

interface Recording {
  readonly used: TenantInUse;
  /** notes what it is given and answers nothing */
  readonly note: Queryable;
  /** the tenant's own, for reading what there is */
  readonly db: Queryable;
  readonly nowMs: number;
}

const FIRST = { after: "", limit: 10 };

/** Every such statement with values of this tenant. */
export async function recordExamples(used: TenantInUse): Promise<SentStatement[]> {
  const { tenantId, server } = used.tenant;
  const noted: SentStatement[] = [];
  const note: Queryable = {
    run: async (statement, values) => {
      noted.push({ statement, tenantIds: [tenantId], values });
      return [];
    },
  };
  const recording = { used, note, db: server.deps.database.tenants([tenantId]), nowMs: server.deps.clock.nowMs() };
  await noteLists(used, note, recording.db);
  await noteDevices(used, note, recording.nowMs);
  await noteSessions(used, note, recording.db);
  await noteEmbedded(used.embedded, note, recording.db);
  await noteFeeds(used, note, recording.db, recording.nowMs);
  const parts = [
    noteTenant,
    noteServersAndRoles,
    notePeople,
    noteApplications,
    noteLogins,
    noteKeys,
    noteTokens,
    noteCounts,
    noteRecords,
    noteKeptAnswer,
  ];
  for (const part of parts) await part(recording);
  return noted;
}

async function noteKeptAnswer({ used, note, nowMs }: Recording): Promise<void> {
  const key = { tenantId: used.tenant.tenantId, keyHash: sha256("a key that nobody took") };
  await takeIdempotencyKey(note, key, { requestHash: key.keyHash, nowMs });
  const taken = used.sent.find(({ statement }) => statement.name === "idempotency_key.set_resource");
  await note.run(present(taken).statement, [...present(taken).values.slice(0, 2), "another"]);
}

async function noteTenant({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenant } = used;
  const { deps } = tenant.server;
  const stored = present(await tenants.findTenant(db, tenant.tenantId));
  await tenants.findTenant(note, tenant.tenantId);
  await tenants.updateTenantSettings(note, tenant.tenantId, stored.settings, nowMs);
  await tenants.updateTenantQuotas(note, tenant.tenantId, { ...stored, quotas: { max_identities: 9_000 } }, nowMs);
  await tenants.deleteTenant(note, tenant.tenantId, nowMs);
  await takeAllowance(note, { caller: tenant.management.key, minute: 1_000_000_000, wanted: undefined });
  const counted = { countedKey: sha256("network of nobody"), share: 10, minute: 1_000_000_000, wanted: undefined };
  await takeLoginAllowance(note, tenant.realm, counted);
  await listTrustedOrigins(note, tenant.realm);
  const { settings } = present(await realms.findRealm(db, tenant.realm));
  const another = { ...tenant.realm, realmId: hexId(deps.random) };
  await realms.findRealm(note, tenant.realm);
  await realms.insertRealm(note, another, { isAdmin: false, settings }, nowMs);
  await realms.updateRealmSettings(note, tenant.realm, settings, nowMs);
  await realms.deleteRealm(note, tenant.realm, nowMs);
}

async function noteServersAndRoles({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenant, flow } = used;
  const { realm } = tenant;
  const { random } = tenant.server.deps;
  const { resourceServerId, settings } = used.resourceServer;
  const key = { ...realm, resourceServerId };
  await resourceServers.findResourceServer(note, key);
  await resourceServers.findResourceServerByIdentifier(note, realm, settings.identifier);
  await resourceServers.findUsedIdentifiers(note, realm.tenantId, [settings.identifier]);
  const another = { isManaged: false, settings: { ...settings, identifier: "urn:another" } };
  await resourceServers.insertResourceServer(note, { ...realm, resourceServerId: uuid(random) }, another, nowMs);
  await resourceServers.updateResourceServerSettings(note, key, settings, nowMs);
  await resourceServers.deleteResourceServer(note, key, nowMs);
  const roleKey = { ...realm, roleId: flow.role.roleId };
  const role = present(await roles.findRole(db, roleKey));
  const other = { ...role, settings: { ...role.settings, display_name: "Another" } };
  const ids = { kind: "identity" as const, ids: [flow.identityId] };
  await takeLostScopes(note, key, settings.scopes, nowMs);
  await roles.findRole(note, roleKey);
  await roles.insertRole(note, { ...realm, roleId: hexId(random) }, other, nowMs);
  await roles.updateRoleSettings(note, roleKey, role.settings, nowMs);
  await roles.deleteRole(note, roleKey, nowMs);
  for (const kind of ["identity", "group"] as const) await roles.listRoleMembers(note, roleKey, kind, FIRST);
  await roles.insertRoleMembers(note, roleKey, { ...ids, ids: [hexId(random)] }, 1);
  await roles.deleteRoleMembers(note, roleKey, ids, 1);
  await readPowerOf(note, tenant.adminRealm, { identityIds: [flow.identityId] });
  for (const holder of [{ kind: "identity" as const, id: flow.identityId }]) {
    await roles.listRolesOf(note, realm, holder, FIRST);
    await roles.countRolesOf(note, realm, holder, { resourceServerId });
  }
}

async function notePeople({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenant, flow, person, resourceServer } = used;
  const { realm } = tenant;
  const { random } = tenant.server.deps;
  const key = { ...realm, identityId: person.identityId };
  const identity = present(await identities.findIdentity(db, key));
  await identities.holdIdentity(note, key);
  const settings = identities.settingsOf(identity);
  const traits = { ...settings.traits, username: "another" };
  await identities.findIdentitiesByEmail(note, realm, person.email);
  const direct = present(await identities.findIdentity(db, { ...realm, identityId: flow.identityId }));
  await identities.findNamedIdentities(note, realm, { ids: [person.identityId], usernameKeys: [direct.usernameKey] });
  const another = { settings: { ...settings, traits }, emailVerified: false };
  await identities.insertIdentity(note, { ...realm, identityId: hexId(random) }, another, nowMs);
  await identities.updateIdentitySettings(note, key, settings, nowMs);
  await identities.deleteIdentity(note, key, nowMs);
  await identities.holdDoomedIdentities(note, realm, [key.identityId]);
  await identities.deleteIdentities(note, realm, [key.identityId], nowMs);
  for (const id of [person.identityId, flow.identityId]) {
    await identities.readRoleScopes(note, realm, id, resourceServer.resourceServerId);
  }
  await identities.claimSubject(db, realm, "claimed", person.identityId);
  for (const subject of ["claimed", "unclaimed"]) {
    await identities.claimSubject(note, realm, subject, flow.identityId);
  }
  const unverified = await tenant.addIdentity("unverified@example.com");
  const at = { ...realm, identityId: unverified };
  const found = present(await identities.findIdentity(db, at));
  const moved = { ...found.traits, primary_email_address: "moved@example.com" };
  await identities.updateIdentitySettings(db, at, { ...identities.settingsOf(found), traits: moved }, nowMs);
  await identities.verifyIdentityEmail(note, at, "moved@example.com", nowMs);
  const group = present((await groups.listGroups(db, realm, FIRST))[0]);
  const [display_name, description] = ["Another", ""];
  await groups.findGroup(note, group.key);
  await groups.insertGroup(note, { ...realm, groupId: hexId(random) }, { display_name, description }, nowMs);
  await groups.updateGroupSettings(note, group.key, group.settings, nowMs);
  await groups.deleteGroup(note, group.key, nowMs);
  await groups.listGroupMembers(note, group.key, FIRST);
  await groups.insertGroupMembers(note, group.key, [hexId(random)], 1);
  await groups.deleteGroupMembers(note, group.key, [person.identityId], 1);
}

async function noteApplications({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenant, job, flow } = used;
  const { realm } = tenant;
  const { random } = tenant.server.deps;
  const stored = present(await applications.findApplication(db, job.key));
  const secret = present(stored.secret);
  await applications.findApplication(note, job.key);
  await applications.findApplicationByClientId(note, realm, job.clientId);
  await applications.hasClientIdLike(note, realm, subjectKey(job.clientId));
  await applications.findUsedClientIds(note, { tenantId: realm.tenantId }, [job.clientId]);
  const another = { ...stored, clientId: "another" };
  await applications.insertApplication(note, { ...realm, applicationId: uuid(random) }, another, nowMs);
  await applications.updateApplicationSettings(note, job.key, stored.settings, nowMs);
  await applications.updateApplicationSecret(note, job.key, secret, nowMs);
  await applications.deleteApplication(note, job.key, nowMs);
  const application = present(await applications.findApplication(db, flow.application.key));
  const key = { ...realm, authenticatorConfigId: present(application.settings.authenticator_config_id) };
  const config = present(await authenticatorConfigs.findAuthenticatorConfig(db, key));
  const other = { ...realm, authenticatorConfigId: uuid(random) };
  await authenticatorConfigs.insertAuthenticatorConfig(note, other, config.settings, nowMs);
  await authenticatorConfigs.updateAuthenticatorConfigSettings(note, key, config.settings, nowMs);
  await authenticatorConfigs.deleteAuthenticatorConfig(note, key, nowMs);
}

async function noteLogins({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenant, person } = used;
  const open = { ...tenant.realm, id: used.openRequestId };
  const stored = present(await requests.findAuthorizationRequest(db, open));
  const now = stored.createdAt;
  const codeHash = present(stored.codeHash);
  const authentication = { authTime: now, amr: ["otp"], acr: "mayfly:1" };
  const code = { emailKey: person.email, codeHash, codeExpiresAt: now + 600, now };
  await requests.resetAuthorizationRequest(note, open, now);
  await requests.setAuthorizationRequestCode(note, open, code);
  await requests.countAuthorizationRequestTry(note, open, { triesMax: 5, now });
  const proof = { codeHash, identityId: person.identityId, authentication, next: "verified" as const, now };
  await requests.verifyAuthorizationRequest(note, open, proof);
  await requests.refuseAuthorizationRequest(note, open, now);
  const verified = { ...tenant.realm, id: used.verifiedRequestId, state: "verified" as const };
  await requests.completeAuthorizationRequest(note, verified, now);
  const attempt = { countedKey: Buffer.alloc(32), kind: "wrong_try" as const, hour: Math.floor(nowMs / 3_600_000) };
  await addAttempt(db, tenant.realm, { ...attempt, hour: attempt.hour - 1 }, [24]);
  await addAttempt(note, tenant.realm, attempt, [24]);
  await sumAttempts(note, tenant.realm, attempt, [24]);
}

async function noteKeys({ used, note, db }: Recording): Promise<void> {
  const { realm, server } = used.tenant;
  const [key] = await signingKeys.listSigningKeys(db, realm);
  const stored = { ...present(key), createdAtMs: 0 };
  const made = (generation: number) => ({ ...stored, generation, keyId: hexId(server.deps.random) });
  await signingKeys.insertSigningKey(note, realm, made(90));
  const unused = { ...realm, realmId: hexId(server.deps.random) };
  await signingKeys.insertFirstSigningKeys(note, unused, { arbiter: made(91), key: made(92) });
  await signingKeys.markSigningKeyCompromised(note, realm, { keyId: stored.keyId, at: 1 });
  await signingKeys.raiseSigningKeyExpiry(note, realm, { keyId: stored.keyId, until: stored.latestExpiryAt + 1 });
  const expiredBy = stored.latestExpiryAt + 1_000_000;
  await signingKeys.deleteRetiredSigningKey(note, realm, { keyId: stored.keyId, expiredBy });
}

async function noteTokens({ used, note, db }: Recording): Promise<void> {
  const { realm } = used.tenant;
  const tokens = [used.access, used.direct.access, used.compromised.token].map((token) => ({
    ...realm,
    id: String(decodeJwt(token).jti),
  }));
  const grants = [used.refresh, used.direct.refresh].map((token) => ({
    ...realm,
    id: present(parseRefreshToken(token)).id,
  }));
  for (const token of tokens) await readTokens(note, [token]).catch(() => undefined);
  for (const { id } of grants)
    await listDescendants(note, { ...realm, id, rootId: id }, { after: undefined, limit: 100 });
  for (const grant of grants) await readGrants(note, [grant]).catch(() => undefined);
  const bounded = present(tokens[0]);
  await used.tenant.server.deps.database.maintain((session) =>
    session.query("UPDATE tokens SET uses_left = 5 WHERE tenant_id = $1 AND id = $2", [
      bounded.tenantId,
      Buffer.from(bounded.id, "base64url"),
    ]),
  );
  for (const use of [takeUses, awaitUses]) await use(note, [bounded]);
  const ended = revocation(used);
  const shortened = { ...ended, until: 1_000_000, facts: {} };
  await lowerTokens(note, [{ ...shortened, ...present(tokens[2]) }]);
  await lowerGrants(note, [{ ...shortened, ...present(grants[1]) }]);
  await revokeTokens(
    note,
    tokens.map((token) => ({ ...ended, ...token })),
  );
  await revokeGrants(
    note,
    grants.map((grant) => ({ ...ended, ...grant })),
  );
  const grant = present(grants[0]);
  const [stored] = await readGrants(db, [grant]);
  await noteIssues({ used, note, db }, { grantId: grant.id, version: present(stored).version });
  await noteInserts({ used, note, db });
  const everything = { now: 1, principalType: undefined, principalId: undefined };
  for (const application of [used.flow.application, used.compromised.application]) {
    await listTokens(note, application.key, everything, { after: undefined, limit: 100 });
    await countTokens(note, application.key, everything, 100).catch(() => undefined);
  }
}

async function noteCounts({ used, note, db, nowMs }: Recording): Promise<void> {
  const { tenantId } = used.tenant;
  const counted = {
    ...used.job.key,
    kind: "token" as const,
    endsAt: Math.floor(nowMs / 1_000) + 10_000_000,
    change: 1,
  };
  const now = counted.endsAt - 1;
  await liveCounts.addLiveCounts(db, [counted]);
  await liveCounts.addLiveCounts(note, [counted]);
  await liveCounts.readLiveCounts(note, "token", [tenantId], 1);
  await liveCounts.listSlotCounts(note, used.job.key, now);
  const ages = new Map([[120, { count: 1, sum: 372 }]]);
  const usage = { ...used.job.key, scope: "", day: 100_000, granted: ages, ages };
  await addTokenUsage(db, [usage]);
  await addTokenUsage(note, [usage]);
  await readTokenUsage(note, used.job.key, { first: usage.day, last: usage.day });
  await liveCounts.wantRecount(db, [tenantId], nowMs);
  await liveCounts.wantRecount(note, [tenantId], nowMs + 1);
  // What nobody wants now is left alone by the job, which runs beside the replays.
  const counted_at_ms = nowMs + 86_400_000;
  await used.tenant.server.deps.database.maintain((session) =>
    session.query("UPDATE live_recounts SET counted_at_ms = $2 WHERE tenant_id = $1", [tenantId, counted_at_ms]),
  );
  await liveCounts.claimWantedRecount(note, { tenantId, countedAtMs: counted_at_ms }, nowMs);
  const page = { after: Buffer.alloc(24), before: Buffer.alloc(24, 0xff), limit: 1, now: 1 };
  await liveCounts.countSlotsExactly(note, "tokens", used.job.key, page);
  await liveCounts.countSlotsExactly(note, "families", used.flow.application.key, page);
}

function revocation({ tenant, flow }: TenantInUse): Omit<Revocation, "id"> {
  const { clock, random } = tenant.server.deps;
  const about = { reason: "revoked", kind: "revoke", outcome: "revoked", facts: {} } as const;
  const traceId = newTraceId(clock, random);
  return {
    ...tenant.realm,
    ...about,
    applicationId: flow.application.key.applicationId,
    at: 1,
    atMs: clock.nowMs(),
    traceId,
  };
}

/** A token of a client that acts for itself, once more under another id. */
async function noteInserts({ used, note, db }: Pick<Recording, "used" | "note" | "db">): Promise<void> {
  const { statement, values } = present(used.sent.find((one) => one.statement.name === "token.insert"));
  const rows: unknown = JSON.parse(String(values[0]));
  const row = present(Array.isArray(rows) ? rows[0] : undefined);
  const fresh = { ...row, basis: 0, id: `${row.id.slice(0, -6)}abcdef` };
  const bases: readonly { basis: number; tenant_id: string; realm_id: string; application_id: string }[] = JSON.parse(
    String(values[1]),
  );
  const application = present(bases.find(({ basis }) => basis === row.basis));
  await note.run(statement, [JSON.stringify([fresh]), await basisOf(db, application)]);
}

/** The configuration that a recorded token was decided on, as it is now. */
async function basisOf(
  db: Queryable,
  row: { readonly tenant_id: string; readonly realm_id: string; readonly application_id: string },
): Promise<string> {
  const key = { tenantId: row.tenant_id, realmId: row.realm_id, applicationId: row.application_id };
  return applications.listBases([await applications.findCurrentApplication(db, key)]).parameter;
}

/** What a grant's code gave, once more: spending what the grant is now, spending nothing, and as it was. */
async function noteIssues(
  { used, note, db }: Pick<Recording, "used" | "note" | "db">,
  grant: { readonly grantId: string; readonly version: number },
): Promise<void> {
  const issued = used.sent.flatMap(({ statement, values }) => {
    const rows: unknown = statement.name === "token.issue" ? JSON.parse(String(values[0])) : [];
    return Array.isArray(rows) ? rows.map((row) => ({ statement, row })) : [];
  });
  const { statement, row } = present(issued.find((one) => one.row.grant_id === bytea(grant.grantId)));
  const key_expiries = [{ key_id: row.key_id, latest_expiry_at: row.expires_at + 1_000_000 }];
  const fresh = { ...row, n: 1, basis: 0, id: `${row.id.slice(0, -6)}abcdef`, key_expiries };
  const bases = await basisOf(db, row);
  const unspending = { ...fresh, expected_version: null, remember_claims: true, custom_claims: "{}" };
  const again = { ...row, n: 1, expected_version: 0 };
  for (const one of [{ ...fresh, expected_version: grant.version }, unspending, again]) {
    const ranges = [row.grant_bucket, row.grant_bucket, row.bucket, row.bucket, row.bucket, row.bucket];
    await note.run(statement, [JSON.stringify([one]), bases, ...ranges]);
  }
}

async function noteRecords({ used, note, nowMs }: Recording): Promise<void> {
  const { realm, server } = used.tenant;
  const { clock, random } = server.deps;
  const mail = { mailId: hexId(random), recipient: "x@example.com", subject: "s", body: "b", createdAtMs: nowMs };
  await insertMail(note, realm, mail);
  const decision = { kind: "token" as const, outcome: "invalid_grant", applicationId: undefined, facts: {} };
  const traceId = newTraceId(clock, random);
  await insertDecisions(note, [{ ...realm, ...decision, traceId, recordedAtMs: nowMs }]);
  const event = { type: "V1RealmChange" as const, actor: { type: "Anonymous" as const } };
  await insertEvents(note, realm.tenantId, [{ ...event, realmId: realm.realmId, traceId, atMs: nowMs }]);
}

function present<T>(value: T | undefined): T {
  assert.ok(value !== undefined, "the scenario lacks what an example needs");
  return value;
}
