import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import type { AfterReply } from "../http/after-reply.ts";
import type { Caller } from "../http/caller.ts";
import { notFound } from "../http/management-error.ts";
import type { Places } from "../http/places.ts";
import type { HttpRequest } from "../http/route.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { HEX_ID, UUID } from "../protocol/id-grammar.ts";
import type { DecisionRecorder } from "./decision/recorder.ts";
import type { LiveCountRecorder } from "./live-count/recorder.ts";
import type { TokenUsageRecorder } from "./token-usage/recorder.ts";

/** What the operations of the management API are given besides the request: the world, and what records and counts beside it. */
export interface ManagementParts {
  readonly deps: Deps;
  readonly decisions: DecisionRecorder;
  readonly liveTokens: LiveCountRecorder;
  readonly tokenUsage: TokenUsageRecorder;
  readonly afterReply: AfterReply;
  /** what changes something takes one of its tenant */
  readonly places: Places;
}

/** One call of an operation: who calls, and what was sent, after its schemas. */
export interface Call<Query, Body> extends ManagementParts {
  readonly request: HttpRequest;
  readonly caller: Caller;
  readonly query: Query;
  readonly body: Body;
  /** milliseconds of real time: when this call was begun */
  readonly nowMs: number;
  /** the caller's tenant; inside the transaction of a call that changes something */
  readonly db: Queryable;
}

/** What an operation answers. */
export interface Outcome<Answer> {
  readonly value: Answer;
  /** of the resource that is answered: its ETag */
  readonly version?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** set where the caller asked for the operation's lines: they stand in place of the value */
  readonly lines?: readonly unknown[];
}

/** What the path's ids look like, and what is said not to exist where one looks otherwise. */
const ID_SHAPES = { hex: HEX_ID, uuid: UUID } as const;

/** A parameter of a path that names an object. */
export interface PathId {
  readonly parameter: string;
  readonly shape: keyof typeof ID_SHAPES;
  /** as errors name it, `ResourceServer` */
  readonly kind: string;
}

/** The realm of a call's path. Throws 404 for an id that names none. */
export function realmOf({ request, caller }: Pick<Call<unknown, unknown>, "request" | "caller">): RealmKey {
  const realmId = readPathId(request, { parameter: "realm", shape: "hex", kind: "Realm" });
  return { tenantId: caller.tenantId, realmId };
}

/** An id in a request's path. Throws 404 for one that cannot name anything. */
export function readPathId(request: HttpRequest, { parameter, shape, kind }: PathId): string {
  const id = request.parameters[parameter] ?? "";
  if (!ID_SHAPES[shape].test(id)) throw notFound(kind, id);
  return id;
}
