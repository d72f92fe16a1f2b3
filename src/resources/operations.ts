import { type TSchema, Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import type { Queryable } from "../database/database.ts";
import { isConflict } from "../database/database-error.ts";
import { parseJsonBody } from "../http/json-body.ts";
import { fieldViolations, ManagementError, notFound } from "../http/management-error.ts";
import {
  type AnswerOf,
  type BodyOf,
  dropReadOnly,
  type Operation,
  patternOf,
  type QueryOf,
} from "../http/operation.ts";
import {
  callerOf,
  type HttpReply,
  type HttpRequest,
  headerOf,
  jsonReply,
  type Route,
  realmKeyOf,
} from "../http/route.ts";
import { readSchemaError, toViolation } from "../http/schema-error.ts";
import { scimReply } from "../http/scim-reply.ts";
import { splitUnknown } from "../http/unknown-members.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { answerOnce } from "./answer-once.ts";
import { type Call, type ManagementParts, type Outcome, realmOf } from "./call.ts";
import { formatEtag } from "./etag.ts";
import { type EventDraft, type EventKind, recordEvents } from "./event-draft.ts";
import { transactionWithEvents } from "./event-transaction.ts";
import { hadRealm, hasRealm, holdRealm } from "./realm/queries.ts";

/** The schema of a query or body that nothing may be said in. */
const EMPTY = Type.Object({}, { additionalProperties: false });

/** An operation with what it does: an entry of the registry of management routes. */
export interface BoundOperation<O extends Operation = Operation> {
  readonly operation: O;
  /** The routes that do it. */
  bind(parts: ManagementParts): readonly Route[];
}

/** A call that changes something: everything it does through `db` is one transaction. */
export interface WriteCall<Query, Body> extends Call<Query, Body> {
  /** Adds an event that is stored with the change. */
  record(event: EventDraft): void;
  /** Has something done once the change is durable; its failure fails nothing. */
  afterCommit(work: () => void): void;
}

/** What an operation that changes something is besides. */
export interface WriteParts {
  /** what its event is; recorded with `about` of its outcome */
  readonly event?: EventKind;
  /** what it says of a constraint that is broken: 409 with this message */
  readonly conflicts?: Readonly<Record<string, string>>;
  /** set where it changes the realm itself: others that write into the realm wait for it, and it for them */
  readonly changesRealm?: true;
}

/** What an operation that changed something answers, and what it was about, for its event. */
export interface WriteOutcome<Answer> extends Outcome<Answer> {
  readonly about?: { readonly id: string; readonly facts?: EventDraft["facts"] };
}

type Handler<O extends Operation> = (call: Call<QueryOf<O>, BodyOf<O>>) => Promise<Outcome<AnswerOf<O>>>;

/** An operation that reads. Its realm, where the path names one, exists, unless the operation outlives it. */
export function reads<const O extends Operation>(operation: O, handle: Handler<O>): BoundOperation<O> {
  const parse = createParser(operation);
  return bound(operation, async (parts, request) => {
    const call = beginCall(parts, request, parse(request));
    const exists = operation.outlivesRealm === true ? hadRealm : hasRealm;
    const found = demandRealm(call, (realm) => exists(call.db, realm));
    // That there is no such realm is said first, however soon something is missed in it.
    const work = handle(call).catch(async (error: unknown) => {
      await found;
      throw error;
    });
    const [outcome] = await Promise.all([work, found]);
    return replyOf(operation, outcome);
  });
}

/** An operation that shows whoever asks what a realm's API is like. */
export function publishes<const O extends Operation & { readonly isPublic: true }>(
  operation: O,
  show: (parts: ManagementParts, realm: RealmKey, request: HttpRequest) => AnswerOf<O>,
): BoundOperation<O> {
  return bound(operation, async (parts, request) => {
    const realm = realmKeyOf(request);
    const db = parts.deps.database.tenants(realm === undefined ? [] : [realm.tenantId]);
    if (realm === undefined || !(await hasRealm(db, realm))) throw notFound("Realm", request.parameters.realm ?? "");
    return replyOf(operation, { value: show(parts, realm, request) });
  });
}

/**
 * An operation that changes something by statements that guard themselves, or in a transaction of its own kind. Its realm, where the
 * path names one, existed when it began.
 */
export function acts<const O extends Operation>(operation: O, handle: Handler<O>): BoundOperation<O> {
  const parse = createParser(operation);
  return bound(operation, async (parts, request) => {
    const call = beginCall(parts, request, parse(request));
    await demandRealm(call, (realm) => hasRealm(call.db, realm));
    return replyOf(operation, await parts.places.hold(call.caller.tenantId, () => handle(call)));
  });
}

function beginCall<Query, Body>(
  parts: ManagementParts,
  request: HttpRequest,
  sent: Sent<Query, Body>,
): Call<Query, Body> {
  const caller = callerOf(request);
  const { database, clock } = parts.deps;
  return { ...parts, ...sent, request, caller, db: database.tenants([caller.tenantId]), nowMs: clock.nowMs() };
}

/** An operation that changes something, in one transaction with its event. */
export function writes<const O extends Operation & WriteParts & { readonly isCreate?: never }>(
  operation: O,
  handle: WriteHandler<O>,
): BoundOperation<O> {
  return written(operation, handle, async (_call, work) => (await work()).reply);
}

/** How what a create made is read when the create is sent again. */
export interface ReadAgain<O extends Operation> {
  /** the parameter that names it in the paths of what is made */
  readonly parameter: string;
  /** what shows one: it throws 404 where it is gone, and leaves out what the caller may not see now */
  readonly show: Handler<O>;
}

/** An operation that makes something, once under an `Idempotency-Key`, which is kept in the same transaction. */
export function creates<const O extends Operation & WriteParts & { readonly isCreate: true }>(
  operation: O,
  handle: WriteHandler<O>,
  { parameter, show }: ReadAgain<O>,
): BoundOperation<O> {
  return written(operation, handle, (call, work) => {
    const { request, caller, db, nowMs } = call;
    const { tenantId, realmId, applicationId, identityId = "" } = caller;
    const owner = [operation.name, realmId, applicationId, identityId];
    return answerOnce(
      { request, db, tenantId, owner, nowMs },
      {
        work: async () => {
          const { reply, id } = await work();
          if (id === undefined) throw new Error(`${operation.name} does not say what it made`);
          return { reply, resourceId: id };
        },
        again: async (id) => {
          const parameters = { ...request.parameters, [parameter]: id };
          return replyOf(operation, await show({ ...call, request: { ...request, parameters } }));
        },
      },
    );
  });
}

type WriteHandler<O extends Operation> = (call: WriteCall<QueryOf<O>, BodyOf<O>>) => Promise<WriteOutcome<AnswerOf<O>>>;
type Work = () => Promise<{ readonly reply: HttpReply; readonly id: string | undefined }>;

function written<const O extends Operation & WriteParts>(
  operation: O,
  handle: WriteHandler<O>,
  answer: (call: WriteCall<QueryOf<O>, BodyOf<O>>, work: Work) => Promise<HttpReply>,
): BoundOperation<O> {
  const parse = createParser(operation);
  return bound(operation, async (parts, request) => {
    const caller = callerOf(request);
    const sent = { ...parts, ...parse(request), request, caller, nowMs: parts.deps.clock.nowMs() };
    try {
      const change = async (db: Queryable): Promise<readonly [HttpReply, readonly (() => void)[]]> => {
        const { call, events, after } = beginWrite({ ...sent, db });
        await demandRealm(call, (realm) => holdRealm(db, realm, operation.changesRealm === true));
        const work: Work = async () => {
          const outcome = await handle(call);
          const { about } = outcome;
          const own = operation.event === undefined || about === undefined ? [] : [{ ...operation.event, ...about }];
          await recordEvents(call, [...own, ...events]);
          return { reply: replyOf(operation, outcome), id: about?.id };
        };
        return [await answer(call, work), after] as const;
      };
      const [reply, later] = await parts.places.hold(caller.tenantId, () =>
        transactionWithEvents(parts.deps, caller.tenantId, change),
      );
      for (const begin of later) begin();
      return reply;
    } catch (error) {
      throw translateConflict(error, operation.conflicts ?? {});
    }
  });
}

interface BegunWrite<Query, Body> {
  readonly call: WriteCall<Query, Body>;
  readonly events: readonly EventDraft[];
  readonly after: readonly (() => void)[];
}

function beginWrite<Query, Body>(call: Call<Query, Body>): BegunWrite<Query, Body> {
  const events: EventDraft[] = [];
  const after: (() => void)[] = [];
  const record = (event: EventDraft): void => void events.push(event);
  const afterCommit = (work: () => void): void => void after.push(work);
  return { call: { ...call, record, afterCommit }, events, after };
}

function bound<O extends Operation>(
  operation: O,
  answer: (parts: ManagementParts, request: HttpRequest) => Promise<HttpReply>,
): BoundOperation<O> {
  const { name, method, path, alias, scopes, isPublic } = operation;
  return {
    operation,
    bind: (parts) =>
      [path, ...(alias === undefined ? [] : [alias])].map((one) => ({
        name,
        method,
        path: patternOf(one),
        kind: isPublic === true ? "public" : "management",
        scopes,
        operation,
        handle: (request) => answer(parts, request),
      })),
  };
}

// Where a path names a realm, whatever is below it exists no longer than the realm does.
async function demandRealm(call: Call<unknown, unknown>, exists: (realm: RealmKey) => Promise<boolean>): Promise<void> {
  if (!("realm" in call.request.parameters)) return;
  const realm = realmOf(call);
  if (!(await exists(realm))) throw notFound("Realm", realm.realmId);
}

/** What an operation answers, as a reply. */
export function replyOf(operation: Operation, { value, version, headers, lines }: Outcome<unknown>): HttpReply {
  const { answer, status, format } = operation;
  const all = { ...(version === undefined ? {} : { etag: formatEtag(version) }), ...headers };
  if (lines !== undefined && operation.lines !== undefined) {
    const contentType = `${operation.lines.mediaType}; charset=utf-8`;
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    return { status: 200, headers: { "content-type": contentType, "cache-control": "no-store", ...all }, body };
  }
  if (answer !== undefined) return (format === "scim" ? scimReply : jsonReply)(status ?? 200, value, all);
  return { status: status ?? 200, headers: { "cache-control": "no-store", ...all } };
}

/** What was sent to an operation, after its schemas. */
export interface Sent<Query, Body> {
  readonly query: Query;
  readonly body: Body;
}

/** Reads what was sent to an operation. What it returns throws ManagementError 400 naming what does not fit. */
export function createParser<O extends Operation>(operation: O): (request: HttpRequest) => Sent<QueryOf<O>, BodyOf<O>> {
  const readQuery = createReader<QueryOf<O>>(operation.query);
  const readBody = createReader<BodyOf<O>>(operation.body);
  return (request) => {
    const query = readQuery(request.query ?? {});
    if (operation.body === undefined) return { query, body: readBody({}) };
    const contentEncoding = headerOf(request, "content-encoding");
    const sent = parseJsonBody({ contentType: headerOf(request, "content-type"), contentEncoding }, request.bytes);
    return { query, body: readBody(sent) };
  };
}

// Compiled when it is first needed: most processes never see most operations.
function createReader<Value>(schema: TSchema = EMPTY): (value: unknown) => Value {
  const typed = Type.Unsafe<Value>(schema);
  let validator: Validator<Record<never, never>, typeof typed> | undefined;
  return (value) => {
    validator ??= Compile(typed);
    const given = dropReadOnly(value, schema);
    if (validator.Check(given)) return given;
    // TypeBox tells of its first errors alone, so that many unknown members would hide what else is wrong, and themselves.
    const { known, unknown } = splitUnknown(given, schema);
    const problems = [...validator.Errors(known).flatMap(readSchemaError), ...unknown];
    throw fieldViolations(problems.map(toViolation));
  };
}

function translateConflict(error: unknown, conflicts: Readonly<Record<string, string>>): unknown {
  for (const [constraint, message] of Object.entries(conflicts)) {
    if (isConflict(error, constraint)) {
      return new ManagementError("conflict", message, { cause: error, scimType: "uniqueness" });
    }
  }
  return error;
}
