import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "./log.ts";

function logged(write: (log: ReturnType<typeof createLog>) => void, worker?: number) {
  const lines: string[] = [];
  write(createLog("info", { worker, write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line is JSON with its level, its time and, in a node of several processes, who wrote it", () => {
  const [alone] = logged((log) => log.info({ trace_id: "t" }, "said"));
  assert.deepEqual({ ...alone, time: "" }, { level: 30, time: "", trace_id: "t", msg: "said" });
  assert.match(String(alone?.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const [worker] = logged((log) => log.info({}, "said"), 3);
  assert.equal(worker?.worker, 3);
});

test("an error is its name, words, code, calls and causes, without what hangs on it", () => {
  const cause = Object.assign(new Error('duplicate key value violates unique constraint "x"'), {
    code: "23505",
    detail: "Key (username)=(ann) already exists.",
  });
  const error = Object.assign(new TypeError("rejected: 550 <ann@example.com>", { cause }), { response: "ann" });
  const [line] = logged((log) => log.error({ err: error }, "failed"));
  assert.ok(line);
  const { at, ...described } = line.err as { at: string[]; cause: { at: string[] } };
  assert.match(String(at[0]), /log\.test\.ts/);
  assert.deepEqual(
    { ...described, cause: { ...described.cause, at: [] } },
    {
      type: "TypeError",
      message: "rejected: 550 <(an address)>",
      cause: {
        type: "Error",
        message: 'duplicate key value violates unique constraint "x"',
        code: "23505",
        at: [],
      },
    },
  );
  assert.equal(JSON.stringify(line).includes("ann"), false);
});

test("what is thrown without being an error, or has too many causes, is cut", () => {
  let error: unknown = "a token, perhaps";
  for (let depth = 0; depth < 9; depth += 1) error = new Error("again", { cause: error });
  const [text, deep] = logged((log) => {
    log.error({ err: "a token, perhaps" }, "failed");
    log.error({ err: error }, "failed");
  });
  assert.deepEqual(text?.err, { type: "string", message: "not an error" });
  assert.equal(JSON.stringify(deep).split('"again"').length - 1, 4);
});
