import type { Queryable } from "../database/database.ts";
import { ManagementError } from "../http/management-error.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../http/route.ts";
import { sha256 } from "../platform/hash.ts";
import type { Sealer } from "../platform/seal.ts";
import type { Authority } from "../protocol/authority.ts";
import { authorityOf, demandCover } from "./authority/rules.ts";
import type { Call } from "./call.ts";
import { findKeptAnswer, type IdempotencyKey, keepAnswer, takeIdempotencyKey } from "./idempotency-key/queries.ts";

const KEY = /^[\x21-\x7e]{1,255}$/;

/** An answer as it is kept. */
interface Kept {
  readonly status: number;
  readonly headers: HttpReply["headers"];
  readonly body: string;
}

/** Whose key it is, and what an answer is kept for. */
export interface OnceParts {
  readonly request: HttpRequest;
  readonly db: Queryable;
  readonly sealer: Sealer;
  /** the tenant under which the answer is kept */
  readonly tenantId: string;
  /** who sent it: nobody else's key is the same one */
  readonly owner: readonly string[];
  readonly authority: Authority;
  /** milliseconds of real time */
  readonly nowMs: number;
}

/**
 * Does a create once under its `Idempotency-Key`, in the create's own transaction: what comes again gets the first answer, two at
 * once wait for each other, and what failed may be tried again. Without the header the work is just done.
 *
 * @throws ManagementError 400 for a malformed key, 409 for a key that another request was sent with, 403 where the caller holds
 *   less now than when it was answered first
 */
export async function answerOnce(call: Call<unknown, unknown>, work: () => Promise<HttpReply>): Promise<HttpReply> {
  const { request, caller, db, deps, nowMs } = call;
  const { tenantId, realmId, applicationId, identityId = "" } = caller;
  const parts = { request, db, sealer: deps.sealer, tenantId, nowMs };
  const held = { owner: [realmId, applicationId, identityId], authority: authorityOf(caller) };
  const answer = await answerOnceFor({ ...parts, ...held }, work);
  if (answer.heldAtFirst !== undefined) demandCover(caller, [answer.heldAtFirst]);
  return answer.reply;
}

/** An answer, and, where it is a first one told again, what its caller held. */
export interface AnsweredOnce {
  readonly reply: HttpReply;
  readonly heldAtFirst?: Authority;
}

/** The same for whoever has no token of a tenant. Throws 400 and 409. */
export async function answerOnceFor(parts: OnceParts, work: () => Promise<HttpReply>): Promise<AnsweredOnce> {
  const { request, db, sealer, tenantId, owner, authority, nowMs } = parts;
  const sent = readIdempotencyKey(request);
  if (sent === undefined) return { reply: await work() };
  const key: IdempotencyKey = { tenantId, keyHash: sha256(JSON.stringify([...owner, sent])) };
  const requestHash = hashRequest(request);
  const place = ["idempotency-key", key.tenantId, Buffer.from(key.keyHash).toString("hex")];
  if (await takeIdempotencyKey(db, key, { requestHash, authority, nowMs })) {
    const reply = await work();
    const kept: Kept = { status: reply.status, headers: reply.headers, body: textOf(reply.body) };
    await keepAnswer(db, key, sealer.seal(Buffer.from(JSON.stringify(kept), "utf8"), place));
    return { reply };
  }
  const first = await findKeptAnswer(db, key);
  if (first === undefined || !first.requestHash.equals(requestHash)) {
    throw new ManagementError("conflict", "this Idempotency-Key was sent with another request");
  }
  return {
    reply: parseKept(sealer.open(first.answerSealed, place).toString("utf8")),
    heldAtFirst: first.authority,
  };
}

/** The `Idempotency-Key` of a request, or undefined. Throws 400 for a malformed one. */
export function readIdempotencyKey(request: HttpRequest): string | undefined {
  const sent = headerOf(request, "idempotency-key");
  if (sent === undefined || KEY.test(sent)) return sent;
  throw new ManagementError("bad_request", "Idempotency-Key is not 1 to 255 visible ASCII characters");
}

function hashRequest({ method, parameters, queryString, bytes }: HttpRequest): Buffer {
  const place = sha256(JSON.stringify([method, Object.entries(parameters).sort(), queryString]));
  return sha256(Buffer.concat([place, bytes]));
}

function textOf(body: HttpReply["body"]): string {
  return typeof body === "string" ? body : Buffer.from(body ?? "").toString("utf8");
}

function parseKept(text: string): HttpReply {
  const kept: Kept = JSON.parse(text);
  return { status: kept.status, body: kept.body, ...(kept.headers === undefined ? {} : { headers: kept.headers }) };
}
