import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { FoundBetweenSchema, RequestSourceSchema } from "./request-source.ts";

/** What one run of the load generator does; the runner writes it as JSON to the generator's standard input. */
export const LoadPlanSchema = Type.Object(
  {
    host: Type.String(),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    connections: Type.Integer({ minimum: 1, maximum: 4096 }),
    /** Absent: a closed loop. Else an open one: so many requests a second are due, whether or not answers come. */
    ratePerSecond: Type.Optional(Type.Number({ minimum: 1, maximum: 1_000_000 })),
    warmupSeconds: Type.Number({ minimum: 0, maximum: 60 }),
    /** The warm-up ends when so many requests were sent, too. */
    warmupRequestsMax: Type.Integer({ minimum: 0, maximum: 100_000_000 }),
    seconds: Type.Number({ minimum: 0.1, maximum: 3600 }),
    /** The load ends when so many requests were sent, warm-up and all. */
    requestsMax: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    /** The process whose CPU time and memory, with its children's, are read at both ends of the measured time. */
    serverPid: Type.Integer({ minimum: 1 }),
    /** A database server whose CPU time is read, too. */
    databasePid: Type.Optional(Type.Integer({ minimum: 1 })),
    source: RequestSourceSchema,
    /** A response that is not 200 or does not contain this text counts as an error. */
    expectedText: Type.String(),
    /** What to take out of each good answer and return. */
    collect: Type.Optional(FoundBetweenSchema),
  },
  { additionalProperties: false },
);
export type LoadPlan = Static<typeof LoadPlanSchema>;

/** What one run measured; the load generator prints it as one JSON line. */
export const LoadResultSchema = Type.Object({
  /** Good answers in the measured time. */
  requests: Type.Integer(),
  /** Answers by status in the measured time; "closed" for connections that ended without one. */
  statuses: Type.Record(Type.String(), Type.Integer()),
  /** Bad answers and missing ones, before, in and after the measured time. */
  errors: Type.Integer(),
  /** One of the responses that counted as errors, to tell what went wrong. */
  firstError: Type.Optional(Type.String()),
  seconds: Type.Number(),
  /** Of good answers; in an open loop from the moment the request was due. */
  p50Milliseconds: Type.Number(),
  p99Milliseconds: Type.Number(),
  serverCpuSeconds: Type.Optional(Type.Number()),
  databaseCpuSeconds: Type.Optional(Type.Number()),
  serverRssBytes: Type.Optional(Type.Number()),
  /** The share of its core that the generator itself used; near 1 it, and not the server, was the limit. */
  generatorUtilisation: Type.Number(),
  /** What `collect` found, in the order of the answers. */
  values: Type.Array(Type.String()),
});
export type LoadResult = Static<typeof LoadResultSchema>;

/** Reads a plan from text; throws when it is not one. */
export function parseLoadPlan(text: string): LoadPlan {
  return Value.Parse(LoadPlanSchema, JSON.parse(text));
}

/** Reads a result from text; throws when it is not one. */
export function parseLoadResult(text: string): LoadResult {
  return Value.Parse(LoadResultSchema, JSON.parse(text));
}
