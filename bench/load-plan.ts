import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

/** What one run of the load generator does; the runner writes it as JSON to the generator's standard input. */
export const LoadPlanSchema = Type.Object(
  {
    host: Type.String(),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    connections: Type.Integer({ minimum: 1, maximum: 1024 }),
    warmupSeconds: Type.Number({ minimum: 0, maximum: 60 }),
    seconds: Type.Number({ minimum: 0.1, maximum: 600 }),
    requestsMax: Type.Integer({ minimum: 1, maximum: 100_000_000 }),
    /** The process whose CPU time and memory are read at both ends of the measured time. */
    serverPid: Type.Integer({ minimum: 1 }),
    /** Whole HTTP/1.1 requests, sent in turn. */
    requests: Type.Array(Type.String(), { minItems: 1, maxItems: 4096 }),
    /** A response that is not 200 or does not contain this text counts as an error. */
    expectedText: Type.String(),
  },
  { additionalProperties: false },
);
export type LoadPlan = Static<typeof LoadPlanSchema>;

/** What one run measured; the load generator prints it as one JSON line. */
export const LoadResultSchema = Type.Object({
  requests: Type.Integer(),
  errors: Type.Integer(),
  /** One of the responses that counted as errors, to tell what went wrong. */
  firstError: Type.Optional(Type.String()),
  seconds: Type.Number(),
  p50Milliseconds: Type.Number(),
  p99Milliseconds: Type.Number(),
  serverCpuSeconds: Type.Optional(Type.Number()),
  serverRssBytes: Type.Optional(Type.Number()),
  /** The share of its core that the generator itself used; near 1 it, and not the server, was the limit. */
  generatorUtilisation: Type.Number(),
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
