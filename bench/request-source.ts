import { type Static, Type } from "typebox";
import { compileTemplate } from "./request-template.ts";

const REQUESTS_MAX = 4096;
const VALUES_MAX = 200_000;

/** Values stand in forms and paths as they are. */
const Values = Type.Array(Type.String({ pattern: "^[A-Za-z0-9._~-]+$" }), { minItems: 1, maxItems: VALUES_MAX });

/** Where in an answer a value stands: between these two texts. */
export const FoundBetweenSchema = Type.Object({ after: Type.String(), before: Type.String({ minLength: 1 }) });
export type FoundBetween = Static<typeof FoundBetweenSchema>;

/** What the connections of a load send. */
export const RequestSourceSchema = Type.Union([
  /** Whole HTTP/1.1 requests, sent in turn, again and again. */
  Type.Object({
    kind: Type.Literal("cycle"),
    requests: Type.Array(Type.String(), { minItems: 1, maxItems: REQUESTS_MAX }),
  }),
  /** One request a value, each sent once; the load ends when all are sent. */
  Type.Object({ kind: Type.Literal("once"), template: Type.String(), values: Values }),
  /** Each connection begins with a value of its own and sends, from then on, the one found in its last answer. */
  Type.Object({
    kind: Type.Literal("chain"),
    template: Type.String(),
    values: Values,
    next: FoundBetweenSchema,
  }),
]);
export type RequestPlan = Static<typeof RequestSourceSchema>;

/** A load's supply of requests. */
export type RequestSource = {
  /** The next request of that connection; undefined when it has none. */
  next(connection: number): Buffer | undefined;
  /** Learns from a good answer; tells what is wrong with it, if anything. */
  learn(connection: number, answer: Buffer): string | undefined;
  /** Whether there is nothing left to send, on any connection. */
  isSpent(): boolean;
};

/** Opens the supply that a plan describes. */
export function openRequestSource(plan: RequestPlan): RequestSource {
  switch (plan.kind) {
    case "cycle":
      return cycle(plan.requests);
    case "once":
      return once(compileTemplate(plan.template), plan.values);
    case "chain":
      return chain(compileTemplate(plan.template), plan.values, plan.next);
  }
}

function cycle(texts: string[]): RequestSource {
  const requests = texts.map((text) => Buffer.from(text, "latin1"));
  let sent = 0;
  return {
    next: () => {
      sent += 1;
      return requests[(sent - 1) % requests.length];
    },
    learn: () => undefined,
    isSpent: () => false,
  };
}

function once(fill: (value: string) => Buffer, values: string[]): RequestSource {
  let sent = 0;
  return {
    next: () => {
      const value = values[sent];
      sent += 1;
      return value === undefined ? undefined : fill(value);
    },
    learn: () => undefined,
    isSpent: () => sent >= values.length,
  };
}

function chain(fill: (value: string) => Buffer, values: string[], place: FoundBetween): RequestSource {
  const current: (string | undefined)[] = [...values];
  return {
    next: (connection) => {
      const value = current[connection];
      // Until the answer brings another one there is none: what was sent may be spent.
      current[connection] = undefined;
      return value === undefined ? undefined : fill(value);
    },
    learn: (connection, answer) => {
      current[connection] = findBetween(answer, place);
      return current[connection] === undefined ? `nothing between ${place.after} and ${place.before}` : undefined;
    },
    isSpent: () => false,
  };
}

/** The text between two others, in bytes; undefined when there is none. */
export function findBetween(bytes: Buffer, place: FoundBetween): string | undefined {
  const start = bytes.indexOf(place.after, 0, "latin1");
  if (start < 0) return undefined;
  const from = start + place.after.length;
  const end = bytes.indexOf(place.before, from, "latin1");
  return end < 0 ? undefined : bytes.toString("latin1", from, end);
}
