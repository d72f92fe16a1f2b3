/**
 * Repeats what failed, out of the logs of whole runs, so that it stands where a reader of only the end of a long output looks:
 *
 *   node bin/failures.mjs LOG ...
 *
 * A failure is a block as bin/reporter.mjs and bin/check.mjs write it: "FAILED: name", then lines that are further in. The tests of
 * two databases write at once, each line after its database's name, so a block goes on where its own database goes on.
 */
import { readFileSync } from "node:fs";

const LINE = /^((?:embedded|postgresql) *\| )?(.*)$/;
const START = /^FAILED: |^the process ended with /;
const FRAME = /\| +at /;
const EMPTY = /^[^|]*\| *$/;
const BLOCK_LINES = [8, 4, 1]; // of each failure: the more fail, the less is said of each
const LINE_CHARACTERS_MAX = 180;
const SHOWN_BYTES_MAX = 3000;
const LAST_LINES = 5; // of a run that failed and named no failure

const paths = process.argv.slice(2);
for (const path of paths)
  process.stdout.write(shorten(findFailures(readFileSync(path, "utf8")), SHOWN_BYTES_MAX / paths.length));

/**
 * @param {string} log
 * @returns {string[][]} the lines of each failure
 */
function findFailures(log) {
  /** @type {string[][]} */
  const blocks = [];
  /** @type {Map<string, string[]>} the block that each database is in */
  const open = new Map();
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  for (const whole of lines) {
    const [, side = "", line = ""] = LINE.exec(whole) ?? [];
    if (START.test(line)) {
      const block = [whole];
      open.set(side, block);
      blocks.push(block);
    } else if (line.startsWith("  ")) open.get(side)?.push(whole);
    else open.delete(side);
  }
  if (blocks.length === 0) return [lines.slice(-LAST_LINES)];
  return blocks.map((block) => block.filter((line) => !EMPTY.test(line)));
}

/**
 * @param {string[][]} failures
 * @param {number} bytesMax
 */
function shorten(failures, bytesMax) {
  let shown = "";
  for (const linesMax of BLOCK_LINES) {
    shown = failures.map((failure) => `${pickLines(failure, linesMax).join("\n")}\n`).join("");
    if (Buffer.byteLength(shown) <= bytesMax) return shown;
  }
  return `${Buffer.from(shown).subarray(0, bytesMax)} ...\n`;
}

/**
 * The first lines of a failure, and where it happened.
 * @param {string[]} failure
 * @param {number} linesMax
 */
function pickLines(failure, linesMax) {
  const frame = linesMax === 1 ? undefined : failure.slice(linesMax).find((line) => FRAME.test(line));
  return [...failure.slice(0, linesMax), ...(frame === undefined ? [] : [frame])].map((line) =>
    line.slice(0, LINE_CHARACTERS_MAX),
  );
}
