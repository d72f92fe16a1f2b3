import type { Queryable } from "../database/database.ts";
import { ManagementError } from "../http/management-error.ts";
import { type HttpReply, type HttpRequest, headerOf } from "../http/route.ts";
import { sha256 } from "../platform/hash.ts";
import {
  findFirstRequest,
  type IdempotencyKey,
  keepResourceId,
  takeIdempotencyKey,
} from "./idempotency-key/queries.ts";

const KEY = /^[\x21-\x7e]{1,255}$/;

/** Whose key it is, and where it is kept. */
export interface OnceParts {
  readonly request: HttpRequest;
  readonly db: Queryable;
  /** the tenant under which the key is kept */
  readonly tenantId: string;
  /** who sent it and to which operation: under nobody else's key, and no other operation's, is anything found */
  readonly owner: readonly string[];
  /** milliseconds of real time */
  readonly nowMs: number;
}

/** What was made: how that is answered, and its id. */
export interface Made {
  readonly reply: HttpReply;
  readonly resourceId: string;
}

/** A create, and how it is answered when it is sent again. */
export interface Once {
  readonly work: () => Promise<Made>;
  /** reads what was made before, with the rights that the caller has now; throws 404 where that is gone */
  readonly again: (resourceId: string) => Promise<HttpReply>;
}

/**
 * Does a create once under its `Idempotency-Key`, in the create's own transaction: two at once wait for each other, and what failed may
 * be tried again. The answer is never kept (rule 40): what comes again is shown what was made as it is then. Without the header the work
 * is just done.
 *
 * @throws ManagementError 400 for a malformed key, 409 for a key that another request was sent with
 */
export async function answerOnce(parts: OnceParts, { work, again }: Once): Promise<HttpReply> {
  const { request, db, tenantId, owner, nowMs } = parts;
  const sent = readIdempotencyKey(request);
  if (sent === undefined) return (await work()).reply;
  const key: IdempotencyKey = { tenantId, keyHash: sha256(JSON.stringify([...owner, sent])) };
  const requestHash = hashRequest(request);
  if (await takeIdempotencyKey(db, key, { requestHash, nowMs })) {
    const { reply, resourceId } = await work();
    await keepResourceId(db, key, resourceId);
    return reply;
  }
  const first = await findFirstRequest(db, key);
  if (first === undefined || !first.requestHash.equals(requestHash)) {
    throw new ManagementError("conflict", "this Idempotency-Key was sent with another request");
  }
  return again(first.resourceId);
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
