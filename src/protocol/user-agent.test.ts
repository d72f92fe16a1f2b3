import assert from "node:assert/strict";
import { test } from "node:test";
import { isHandheld, readUserAgent } from "./user-agent.ts";

const WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)";

test("browsers are known by their names, not by those that they borrow", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/131.0.0.0 Safari/537.36`, "Chrome, Windows"],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0`,
      "Edge, Windows",
    ],
    ["Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox, Linux"],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
      "Safari, macOS",
    ],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/131.0 Mobile/15E148 Safari/604.1",
      "Chrome, iPhone",
    ],
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/131.0.0.0 Safari/537.36`, "Chrome, Linux"],
    [
      `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36`,
      "Samsung Internet, Android",
    ],
  ];
  for (const [header, expected] of cases) {
    const { browser, system } = readUserAgent(header) ?? {};
    assert.equal(`${browser}, ${system}`, expected, header);
  }
});

test("what is no browser, or is sent to be shown to a person, is not", () => {
  for (const header of [undefined, "", "curl/8.5.0", "Call +1 555 0100 now", `${"x".repeat(600)} Linux Firefox/1`])
    assert.equal(readUserAgent(header), undefined);
  assert.deepEqual(readUserAgent("Linux Firefox/133 <b>call +1 555 0100</b>"), { browser: "Firefox", system: "Linux" });
});

test("a phone and a tablet are known by what they run, and nothing else is one", () => {
  const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  const android =
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";
  const [iPhone, iPad] = ["iPhone; CPU iPhone OS 26_0 like Mac OS X", "iPad; CPU OS 18_1 like Mac OS X"];
  assert.deepEqual([android, `Mozilla/5.0 (${iPhone})`, `Mozilla/5.0 (${iPad})`].map(isHandheld), [true, true, true]);
  assert.deepEqual([undefined, "", linux, "Androids"].map(isHandheld), [false, false, false, false]);
});
