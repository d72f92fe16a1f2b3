import type { Queryable, Row } from "../../database/database.ts";
import { bucketOf } from "../../database/row-id.ts";
import { statement } from "../../database/statement.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import type { GivenConsent } from "../../protocol/consent.ts";
import {
  type EarlierYes,
  type EmbeddedLogin,
  type KnownPerson,
  type LoginStart,
  type LoginState,
  writeStoredRequest,
} from "./schema.ts";
import {
  type AuthorizationRequest,
  type AuthorizationRequestRow,
  type NewAuthorizationRequest,
  NO_APPLICATION,
  toAuthorizationRequest,
} from "./stored-request.ts";

export type { AuthorizationRequest, NewAuthorizationRequest } from "./stored-request.ts";

/** Names a request; its id carries its partition. */
export interface AuthorizationRequestKey extends RealmKey {
  readonly id: string;
}

const insert = statement(
  "authorization_request.insert",
  `INSERT INTO authorization_requests (tenant_id, realm_id, id, bucket, application_id, browser_hash, request, step, created_at,
     expires_at, identity_id)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *`,
);

const find = statement(
  "authorization_request.find",
  "SELECT * FROM authorization_requests WHERE tenant_id = $1 AND realm_id = $2 AND id = $3 AND bucket = $4",
);

// Each of the following moves a request on in one statement and tells by its row whether it did (house rule 5).
const IS_UNANSWERED = `tenant_id = $1 AND realm_id = $2 AND id = $3 AND bucket = $4 AND completed_at IS NULL
     AND expires_at > $5`;
const IS_OPEN = `${IS_UNANSWERED} AND identity_id IS NULL`;

const askForAddress = statement(
  "authorization_request.ask_for_address",
  `UPDATE authorization_requests SET step = 'email', email_key = NULL, code_hash = NULL, code_expires_at = NULL,
     version = version + 1
   WHERE ${IS_OPEN} AND step = 'code' RETURNING *`,
);

const setCode = statement(
  "authorization_request.set_code",
  `UPDATE authorization_requests SET step = 'code', email_key = $6, code_hash = $7, code_expires_at = $8, version = version + 1
   WHERE ${IS_OPEN} AND step IN ('email', 'code') RETURNING *`,
);

const countTry = statement(
  "authorization_request.count_try",
  `UPDATE authorization_requests SET code_tries = code_tries + 1, version = version + 1
   WHERE ${IS_OPEN} AND step = 'code' AND code_expires_at > $5 AND code_tries < $6 RETURNING *`,
);

const verify = statement(
  "authorization_request.verify",
  `UPDATE authorization_requests SET step = $9, identity_id = $7, request = request || $8::jsonb, code_hash = NULL,
     code_expires_at = NULL, version = version + 1
   WHERE ${IS_OPEN} AND step = 'code' AND code_hash = $6 RETURNING *`,
);

// At an application's own pages a passkey takes no step before it is looked at: of two who hold one `request` the other may have.
const verifyPasskey = statement(
  "authorization_request.verify_passkey",
  `UPDATE authorization_requests SET step = $9, identity_id = $7, request = request || $8::jsonb, email_key = NULL, code_hash = NULL,
     code_expires_at = NULL, version = version + 1
   WHERE ${IS_OPEN} AND step IN ('email', 'code') AND request ->> 'challenge' = $6
     AND request #>> '{embedded,step_hash}' IS NOT DISTINCT FROM $10 RETURNING *`,
);

const passOffer = statement(
  "authorization_request.pass_offer",
  `UPDATE authorization_requests SET step = $6, request = request || $7::jsonb, version = version + 1
   WHERE ${IS_UNANSWERED} AND step = 'offer' RETURNING *`,
);

const refuse = statement(
  "authorization_request.refuse",
  `UPDATE authorization_requests SET step = 'refused', identity_id = NULL, code_hash = NULL, code_expires_at = NULL,
     version = version + 1
   WHERE ${IS_UNANSWERED} AND step NOT IN ('verified', 'refused') RETURNING *`,
);

const complete = statement(
  "authorization_request.complete",
  `UPDATE authorization_requests SET completed_at = $5, version = version + 1
   WHERE ${IS_UNANSWERED} AND step = $6 RETURNING *`,
);

const start = statement(
  "authorization_request.start",
  `UPDATE authorization_requests SET step = $6, identity_id = $7, request = request || $8::jsonb, version = version + 1
   WHERE ${IS_OPEN} AND step = 'arrived' RETURNING *`,
);

const confirm = statement(
  "authorization_request.confirm",
  `UPDATE authorization_requests SET step = 'verified', version = version + 1
   WHERE ${IS_UNANSWERED} AND step = 'confirm' RETURNING *`,
);

const agree = statement(
  "authorization_request.agree",
  `UPDATE authorization_requests SET step = 'verified', request = request || $6::jsonb, version = version + 1
   WHERE ${IS_UNANSWERED} AND step = 'consent' RETURNING *`,
);

const forgetPerson = statement(
  "authorization_request.forget_person",
  `UPDATE authorization_requests SET step = 'email', identity_id = NULL, email_key = NULL,
     request = (request - ARRAY['auth_time', 'amr', 'acr', 'session_id', 'consent', 'earlier_yes']) || $6::jsonb, version = version + 1
   WHERE ${IS_UNANSWERED} AND step IN ('confirm', 'consent') RETURNING *`,
);

const moveEmbedded = statement(
  "authorization_request.move_embedded",
  `UPDATE authorization_requests SET request = request || $7::jsonb, version = version + 1
   WHERE ${IS_UNANSWERED} AND request #>> '{embedded,step_hash}' = $6 RETURNING *`,
);

const claim = statement(
  "authorization_request.claim",
  `UPDATE authorization_requests SET browser_hash = $7, version = version + 1,
     request = jsonb_set(request #- '{embedded,completion_hash}', '{embedded,is_claimed}', 'true')
   WHERE ${IS_UNANSWERED} AND request #>> '{embedded,completion_hash}' = $6 RETURNING *`,
);

/** Stores a validated request where its login begins. */
export async function insertAuthorizationRequest(
  db: Queryable,
  request: NewAuthorizationRequest,
): Promise<AuthorizationRequest> {
  const rows = await db.run(insert, [
    ...ids(request),
    request.applicationId ?? NO_APPLICATION,
    request.browserHash,
    JSON.stringify(writeStoredRequest({ ...request.start.person, ...request })),
    request.start.state,
    request.createdAt,
    request.expiresAt,
    request.start.person?.identityId,
  ]);
  const stored = toRequest(rows);
  if (stored === undefined) throw new Error("an insert answered no row");
  return stored;
}

/** Reads one request, whatever became of it; undefined when there is none, or it was forgotten. */
export async function findAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(find, ids(key)));
}

/** Goes back to the question for an address; the code that was mailed is void. Undefined: the request was not waiting for one. */
export async function resetAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  now: number,
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(askForAddress, [...ids(key), now]));
}

/**
 * Makes this code the one that works: whatever was mailed before is void. Tries go on counting, they belong to the request
 * (reference 3.5). Undefined: the request is over.
 */
export async function setAuthorizationRequestCode(
  db: Queryable,
  key: AuthorizationRequestKey,
  code: {
    readonly emailKey: string;
    readonly codeHash: Uint8Array;
    readonly codeExpiresAt: number;
    readonly now: number;
  },
): Promise<AuthorizationRequest | undefined> {
  const values = [...ids(key), code.now, code.emailKey, code.codeHash, code.codeExpiresAt];
  return toRequest(await db.run(setCode, values));
}

/**
 * Takes one of the request's tries, before the code is compared: of many guesses at once only so many are looked at.
 *
 * @returns undefined when no try is left, or no code is waited for
 */
export async function countAuthorizationRequestTry(
  db: Queryable,
  key: AuthorizationRequestKey,
  limit: { readonly triesMax: number; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(countTry, [...ids(key), limit.now, limit.triesMax]));
}

/** Spends the code and names the person. Undefined: the code was spent or replaced meanwhile. */
export async function verifyAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  proof: KnownPerson & {
    readonly codeHash: Uint8Array;
    /** where the login goes on: over, or with a question to the person */
    readonly next: LoginState;
    readonly now: number;
  },
): Promise<AuthorizationRequest | undefined> {
  const values = [...ids(key), proof.now, proof.codeHash, proof.identityId, writePerson(proof), proof.next];
  return toRequest(await db.run(verify, values));
}

/** Spends the challenge that a passkey answered and names its person. Undefined: it was spent, somebody is known, or a step was taken since. */
export async function verifyAuthorizationRequestByPasskey(
  db: Queryable,
  key: AuthorizationRequestKey & Pick<AuthorizationRequest, "embedded">,
  proof: KnownPerson & {
    readonly challenge: string;
    readonly nextChallenge: string;
    readonly next: LoginState;
    readonly now: number;
  },
): Promise<AuthorizationRequest | undefined> {
  const { nextChallenge, challenge, identityId, next, now } = proof;
  const change = JSON.stringify(writeStoredRequest({ ...proof, challenge: nextChallenge }));
  const step = key.embedded?.stepHash ?? null;
  return toRequest(await db.run(verifyPasskey, [...ids(key), now, challenge, identityId, change, next, step]));
}

/** The person has made a passkey, or does not want one. Undefined: nobody was asked, or it is over. */
export async function passAuthorizationRequestOffer(
  db: Queryable,
  key: AuthorizationRequestKey,
  passed: Pick<KnownPerson, "consent"> & { readonly next: LoginState; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  const consent = JSON.stringify(writeStoredRequest({ consent: passed.consent }));
  return toRequest(await db.run(passOffer, [...ids(key), passed.now, passed.next, consent]));
}

/** Decides where a request begins that had only arrived. Undefined: it was decided meanwhile. */
export async function startAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  begun: LoginStart & { readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  const { person } = begun;
  const values = [...ids(key), begun.now, begun.state, person?.identityId, writePerson(person)];
  return toRequest(await db.run(start, values));
}

function writePerson(person: KnownPerson | undefined): string {
  return JSON.stringify(writeStoredRequest({ authentication: person?.authentication, consent: person?.consent }));
}

/** The person who is known says yes. Undefined: nobody was asked, or it is over. */
export async function confirmAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  now: number,
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(confirm, [...ids(key), now]));
}

/** The person who is known agrees to what the client asks for, once. Undefined: nobody was asked, or it is over. */
export async function agreeToAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  agreed: { readonly consent: GivenConsent; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  const consent = JSON.stringify(writeStoredRequest({ consent: agreed.consent }));
  return toRequest(await db.run(agree, [...ids(key), agreed.now, consent]));
}

/** Who it is, is asked anew; the yes of who was known may be kept. Undefined: nobody was known, or it is over. */
export async function forgetAuthorizationRequestPerson(
  db: Queryable,
  key: AuthorizationRequestKey,
  next: { readonly challenge: string; readonly earlierYes?: EarlierYes | undefined; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  const change = JSON.stringify(writeStoredRequest({ challenge: next.challenge, earlierYes: next.earlierYes }));
  return toRequest(await db.run(forgetPerson, [...ids(key), next.now, change]));
}

/** Takes a step of a login at an application's own pages: whoever held the step before has none any more. Undefined: it was taken. */
export async function moveEmbeddedLogin(
  db: Queryable,
  key: AuthorizationRequestKey,
  move: { readonly from: string; readonly to: EmbeddedLogin; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  const change = JSON.stringify(writeStoredRequest({ embedded: move.to }));
  return toRequest(await db.run(moveEmbedded, [...ids(key), move.now, move.from, change]));
}

/** The login is from now on this browser's, which brings its completion secret, once. Undefined: another has brought it. */
export async function claimAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  by: { readonly completionHash: string; readonly browserHash: Uint8Array; readonly now: number },
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(claim, [...ids(key), by.now, by.completionHash, by.browserHash]));
}

/** Ends the login without a person; the client will be told `access_denied`. Undefined: it was over. */
export async function refuseAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey,
  now: number,
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(refuse, [...ids(key), now]));
}

/** Spends a request that stands where it did when it was read: it is answered to the client once. Undefined: it has moved on. */
export async function completeAuthorizationRequest(
  db: Queryable,
  key: AuthorizationRequestKey & { readonly state: LoginState },
  now: number,
): Promise<AuthorizationRequest | undefined> {
  return toRequest(await db.run(complete, [...ids(key), now, key.state]));
}

function ids(key: AuthorizationRequestKey): readonly unknown[] {
  return [key.tenantId, key.realmId, Buffer.from(key.id, "base64url"), bucketOf(key.id)];
}

function toRequest([row]: readonly Row[]): AuthorizationRequest | undefined {
  return row && toAuthorizationRequest(row as unknown as AuthorizationRequestRow);
}
