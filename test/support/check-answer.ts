import { type TSchema, Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { statusOfCode } from "../../src/http/management-error.ts";
import { ErrorAnswer, ScimErrorAnswer } from "../../src/http/openapi/error-schema.ts";
import { refusalsOf } from "../../src/http/openapi/refusals.ts";
import type { Operation } from "../../src/http/operation.ts";
import type { HttpReply, Route } from "../../src/http/route.ts";

// Every answer of the management API that any test is given is what its operation declares: a body, a status or a header that the OpenAPI
// document does not know fails the test.

/** What Node and the framework refuse of any request, whatever it asks for. */
const EDGE_STATUSES = new Set([408, 413, 415, 417, 431]);

const validators = new WeakMap<TSchema, Validator>();
const found: string[] = [];

/** Checks an answer of a route. Throws where it is not as declared, so that the caller is answered 500; `undeclaredAnswers` tells it, too. */
export function checkAnswer(route: Route, reply: HttpReply): void {
  const problem = judgeAnswer(route, reply);
  if (problem === undefined) return;
  const told = `${route.name} answered ${reply.status}: ${problem}`;
  found.push(told);
  throw new Error(told);
}

/** What an answer has that the operation of its route does not declare; undefined where there is nothing. */
export function judgeAnswer({ operation }: Pick<Route, "operation">, reply: HttpReply): string | undefined {
  if (operation === undefined) return undefined;
  return reply.status < 400 ? judgeSuccess(operation, reply) : judgeRefusal(operation, reply);
}

/** What was answered otherwise than declared since the process began. */
export function undeclaredAnswers(): readonly string[] {
  return found;
}

function judgeSuccess(operation: Operation, { status, headers = {}, body = "" }: HttpReply): string | undefined {
  const { answer, lines, isVersioned } = operation;
  if (status !== (operation.status ?? 200)) return `the status is declared as ${operation.status ?? 200}`;
  const undeclared = Object.keys(headers).find(
    (header) => header.startsWith("x-") && !(header in (operation.headers ?? {})),
  );
  if (undeclared !== undefined) return `the header ${undeclared} is not declared`;
  if (answer === undefined) return String(body) === "" ? undefined : "the answer is declared to be empty";
  // What is built in has no version, though it is shown where versions are.
  if (isVersioned !== true && "etag" in headers) return `its ETag ${headers.etag} is not declared`;
  const type = String(headers["content-type"]).split(";")[0];
  if (lines !== undefined && type === lines.mediaType) {
    const each = String(body)
      .split("\n")
      .filter((line) => line !== "");
    return each.map((line) => judge(lines.schema, line)).find((problem) => problem !== undefined);
  }
  return type === mediaTypeOf(operation) ? judge(answer, String(body)) : `its media type is ${type}`;
}

function judgeRefusal(operation: Operation, { status, headers = {}, body = "" }: HttpReply): string | undefined {
  const declared = refusalsOf(operation).map(statusOfCode);
  if (!declared.includes(status) && !EDGE_STATUSES.has(status)) return `declared are ${declared.join()}`;
  if (status === 503 && headers["retry-after"] === undefined) return "it says no Retry-After";
  const type = String(headers["content-type"]).split(";")[0];
  if (type !== mediaTypeOf(operation)) return `its media type is ${type}`;
  return judge(operation.format === "scim" ? ScimErrorAnswer : ErrorAnswer, String(body));
}

function mediaTypeOf({ format }: Operation): string {
  return format === "scim" ? "application/scim+json" : "application/json";
}

function judge(schema: TSchema, text: string): string | undefined {
  const value: unknown = JSON.parse(text);
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(Type.Unsafe<unknown>(schema));
    validators.set(schema, validator);
  }
  if (validator.Check(value)) return undefined;
  const problems = validator.Errors(value).map(({ instancePath, message }) => `${instancePath} ${message}`);
  return `${problems.join("; ")} in ${text.slice(0, 500)}`;
}
