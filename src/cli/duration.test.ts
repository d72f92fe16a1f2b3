import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDuration, describeInstant, describeUntil, formatDuration, parseDuration } from "./duration.ts";

test("a duration is seconds, or numbers with units, the largest first", () => {
  const read = { "900": 900, "15m": 900, "1h": 3600, "1h30m": 5400, "7d": 604_800, "2w1s": 1_209_601, "90s": 90 };
  for (const [text, seconds] of Object.entries(read)) assert.equal(parseDuration(text), seconds, text);
  for (const text of ["", "0", "0m", "-1", "1.5h", "m", "15 m", "15min", "30m1h", "1e3", "015"])
    assert.equal(parseDuration(text), undefined, text);
});

test("a duration is told in its two largest units", () => {
  const told = { 0: "0 seconds", 1: "1 second", 900: "15 minutes", 5400: "1 hour 30 minutes", 90061: "1 day 1 hour" };
  for (const [seconds, words] of Object.entries(told)) assert.equal(describeDuration(Number(seconds)), words);
});

test("an instant is told from now, and as a date", () => {
  assert.equal(describeInstant(1_800_000_900, 1_800_000_000), "in 15 minutes (2027-01-15T08:15:00Z)");
  assert.equal(describeInstant(1_800_000_000, 1_800_000_060), "1 minute ago (2027-01-15T08:00:00Z)");
  assert.equal(describeInstant(1_800_000_000, 1_800_000_000), "now (2027-01-15T08:00:00Z)");
  assert.equal(describeUntil(1_800_000_900, 1_800_000_000), "for 15 minutes (until 2027-01-15T08:15:00Z)");
  assert.equal(describeUntil(1_800_000_000, 1_800_000_000), "until 2027-01-15T08:00:00Z");
});

test("what is told to be typed can be read again", () => {
  const told = { 900: "15m", 7776000: "90d", 61: "61s", 3600: "1h", 604800: "7d" };
  for (const [seconds, text] of Object.entries(told)) {
    assert.equal(formatDuration(Number(seconds)), text);
    assert.equal(parseDuration(text), Number(seconds));
  }
});
