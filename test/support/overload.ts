import { fileURLToPath } from "node:url";
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { runProgram } from "../../bench/child-process.ts";

// More requests than a server can answer, from a process of its own that sends by the clock and not by the answers.

const GENERATOR = fileURLToPath(new URL("./overload-generator.ts", import.meta.url));

/** A time under one load: a closed loop of so many connections, or an open one of so many times what the first phase brought. */
const PhaseSchema = Type.Object({
  name: Type.String(),
  seconds: Type.Number({ minimum: 0.1, maximum: 600 }),
  closedLoop: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
  timesCapacity: Type.Optional(Type.Number({ minimum: 0.001, maximum: 100 })),
  /** whether to return what was accepted */
  collects: Type.Optional(Type.Boolean()),
});
export type OverloadPhase = Static<typeof PhaseSchema>;

const OverloadPlanSchema = Type.Object({
  host: Type.String(),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** whose memory is watched, with its children's */
  serverPid: Type.Integer({ minimum: 1 }),
  /** a whole HTTP/1.1 request for an access token */
  request: Type.String(),
  connections: Type.Integer({ minimum: 1, maximum: 8192 }),
  phases: Type.Array(PhaseSchema, { minItems: 1 }),
});
export type OverloadPlan = Static<typeof OverloadPlanSchema>;

const PhaseResultSchema = Type.Object({
  name: Type.String(),
  seconds: Type.Number(),
  /** what was due, none in a closed loop, and what was sent */
  duePerSecond: Type.Number(),
  sentPerSecond: Type.Number(),
  /** due, but not sent, because the generator was too slow, or because the server left it no free connection */
  missedBySlowness: Type.Integer(),
  missedByConnections: Type.Integer(),
  accepted: Type.Integer(),
  refused: Type.Integer(),
  /** answered otherwise, or not at all */
  failed: Type.Integer(),
  /** from the moment a request was due */
  acceptedP50Ms: Type.Number(),
  acceptedP99Ms: Type.Number(),
  /** of each second of the phase */
  acceptedP99MsBySecond: Type.Array(Type.Number()),
  refusedP99Ms: Type.Number(),
  /** how much later than due the generator sent */
  lagP99Ms: Type.Number(),
  /** milliseconds into the phase at which a request was due that was refused; 0 when none was */
  lastRefusedMs: Type.Number(),
  /** resident memory of the server, each time it was read */
  rssBytes: Type.Array(Type.Number()),
  /** the share of a core that the generator used */
  generatorUtilisation: Type.Number(),
  firstFailure: Type.Optional(Type.String()),
  /** one refusal, whole */
  refusal: Type.Optional(Type.String()),
  tokens: Type.Array(Type.String()),
});
export type PhaseResult = Static<typeof PhaseResultSchema>;

/** Reads a plan from text; throws when it is none. */
export function parseOverloadPlan(text: string): OverloadPlan {
  return Value.Parse(OverloadPlanSchema, JSON.parse(text));
}

/**
 * Offers a server on loopback one load after the other, from a process of its own.
 *
 * @param core where the generator is pinned to; undefined for anywhere
 * @returns what became of each phase's requests, in the plan's order
 */
export async function offerLoads(
  plan: OverloadPlan,
  { core, signal }: { readonly core?: number; readonly signal: AbortSignal },
): Promise<PhaseResult[]> {
  const printed = await runProgram({ args: [GENERATOR], input: JSON.stringify(plan), core, signal });
  return Value.Parse(Type.Array(PhaseResultSchema), JSON.parse(printed));
}
