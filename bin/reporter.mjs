/**
 * The reporter of our test runs: each failure at once and whole, then one line with the counts. Successes are only counted,
 * since thousands of lines hide the one that matters.
 */
import { inspect } from "node:util";

const SLOWEST_SHOWN = 3;
const RUNNER_FRAME = /^\s*at .*\(?node:(internal\/(test_runner|modules)|async_hooks)/;
const SLOW_MILLISECONDS = 5000;

/** @typedef {import("node:test/reporters").TestEvent} TestEvent */

/** @param {AsyncIterable<TestEvent>} events */
export default async function* report(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  /** @type {string[]} the names of the suites and tests around the present event */
  const path = [];
  /** @type {{ name: string, milliseconds: number }[]} */
  const slow = [];
  for await (const event of events) {
    if (event.type === "test:start") path.splice(event.data.nesting, path.length, event.data.name);
    if (event.type === "test:diagnostic" && event.data.message.startsWith("Error:")) {
      counts.failed += 1; // an error that came when its test had ended: Node counts it nowhere
      yield `\nFAILED: ${event.data.message}\n\n`;
    }
    if (event.type === "test:stderr" || event.type === "test:stdout") yield event.data.message;
    if (event.type !== "test:pass" && event.type !== "test:fail") continue;
    const { data } = event;
    const name = [...path.slice(0, data.nesting), data.name].join(" > ");
    if (event.type === "test:fail" && isCause(event.data)) {
      counts.failed += 1;
      yield `\nFAILED: ${name}\n  ${data.file ?? ""}:${data.line ?? ""}\n${describe(event.data.details.error)}\n\n`;
    }
    if (event.type === "test:fail" || data.details.type === "suite") continue;
    counts[data.skip === undefined || data.skip === false ? "passed" : "skipped"] += 1;
    if (data.details.duration_ms > SLOW_MILLISECONDS) slow.push({ name, milliseconds: data.details.duration_ms });
  }
  for (const { name, milliseconds } of slow.sort((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST_SHOWN)) {
    yield `slow: ${(milliseconds / 1000).toFixed(1)} s, ${name}\n`;
  }
  yield `${counts.passed} passed, ${counts.failed} failed${counts.skipped === 0 ? "" : `, ${counts.skipped} skipped`}\n`;
}

/**
 * A suite or a test whose only fault is a failing test inside it is not counted a second time.
 * @param {import("node:test").EventData.TestFail} data
 */
function isCause(data) {
  return !("failureType" in data.details.error && data.details.error.failureType === "subtestsFailed");
}

/** @param {Error} error */
function describe(error) {
  const shown = error.cause instanceof Error ? error.cause : error;
  // A message that the test wrote itself says it all.
  if ("generatedMessage" in shown && shown.generatedMessage === false) return shown.message.replace(/^/gm, "  ");
  const lines = inspect(shown, { depth: 4, breakLength: 110 }).split("\n");
  return lines
    .filter((line) => !RUNNER_FRAME.test(line))
    .map((line) => `  ${line}`)
    .join("\n");
}
