import { ManagementError } from "../http/management-error.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../http/route.ts";
import { sha256 } from "../platform/hash.ts";
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

/**
 * Does a create once under its `Idempotency-Key`, in the create's own transaction: what comes again gets the first answer, two at
 * once wait for each other, and what failed may be tried again. Without the header the work is just done.
 *
 * @throws ManagementError 400 for a malformed key, 409 for a key that another request was sent with, 403 where the caller holds
 *   less now than when it was answered first
 */
export async function answerOnce(call: Call<unknown, unknown>, work: () => Promise<HttpReply>): Promise<HttpReply> {
  const { request, caller, db, deps, nowMs } = call;
  const sent = headerOf(request, "idempotency-key");
  if (sent === undefined) return work();
  if (!KEY.test(sent)) {
    throw new ManagementError("bad_request", "Idempotency-Key is not 1 to 255 visible ASCII characters");
  }
  const owner = [caller.realmId, caller.applicationId, caller.identityId ?? ""];
  const key: IdempotencyKey = { tenantId: caller.tenantId, keyHash: sha256(JSON.stringify([...owner, sent])) };
  const requestHash = hashRequest(request);
  const place = ["idempotency-key", key.tenantId, Buffer.from(key.keyHash).toString("hex")];
  if (await takeIdempotencyKey(db, key, { requestHash, authority: authorityOf(caller), nowMs })) {
    const reply = await work();
    const kept: Kept = { status: reply.status, headers: reply.headers, body: textOf(reply.body) };
    await keepAnswer(db, key, deps.sealer.seal(Buffer.from(JSON.stringify(kept), "utf8"), place));
    return reply;
  }
  const first = await findKeptAnswer(db, key);
  if (first === undefined || !first.requestHash.equals(requestHash)) {
    throw new ManagementError("conflict", "this Idempotency-Key was sent with another request");
  }
  demandCover(caller, [first.authority]);
  return parseKept(deps.sealer.open(first.answerSealed, place).toString("utf8"));
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
