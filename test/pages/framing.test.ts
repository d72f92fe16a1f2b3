import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { authorizeParameters } from "../support/test-browser.ts";
import { testCodeFlow } from "../support/test-code-flow.ts";

test("a page of ours in a frame of another site's is not drawn: nobody presses a button that he does not see", async () => {
  const { application } = await testCodeFlow();
  const query = new URLSearchParams(
    authorizeParameters(application, "a-verifier-of-a-test-that-is-long-enough-to-be-one"),
  );
  const target = `${application.issuer}/authorize?${query}`;
  const site = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<h1>A game</h1><iframe src="${target.replaceAll("&", "&amp;")}"></iframe>`);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  const address = site.address();
  assert.ok(typeof address === "object" && address !== null);
  const context = await (await openBrowser()).newContext();
  try {
    const page = await context.newPage();
    await page.goto(`http://evil.example:${address.port}/`);
    const [, framed] = page.frames();
    assert.ok(framed);
    await framed.waitForURL((url) => url.protocol !== "about:");
    assert.equal(framed.url(), "chrome-error://chromewebdata/");
    await page.goto(target);
    assert.match(page.url(), /\/authenticator\//, "by itself it is");
  } finally {
    await context.close();
    site.close();
  }
});
