import { type Static, Type } from "typebox";
import { Value } from "typebox/value";

/** What the signing process does; JSON on its standard input. */
const SigningPlanSchema = Type.Object({
  /** `service`: as Mayfly signs. `loop`: one after the other on the event loop, which is what a core can do. */
  way: Type.Union([Type.Literal("service"), Type.Literal("loop")]),
  /** signatures under way at a time; for `service` only */
  concurrency: Type.Integer({ minimum: 1, maximum: 1024 }),
  seconds: Type.Number({ minimum: 0.1, maximum: 60 }),
});
export type SigningPlan = Static<typeof SigningPlanSchema>;

const SigningResultSchema = Type.Object({ signaturesPerSecond: Type.Number() });
export type SigningResult = Static<typeof SigningResultSchema>;

/** Reads a plan from text; throws when it is not one. */
export function parseSigningPlan(text: string): SigningPlan {
  return Value.Parse(SigningPlanSchema, JSON.parse(text));
}

/** Reads a result from text; throws when it is not one. */
export function parseSigningResult(text: string): SigningResult {
  return Value.Parse(SigningResultSchema, JSON.parse(text));
}
