import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "../support/chromium.ts";
import { databaseSide } from "../support/test-database.ts";
import { sharedServer } from "../support/test-server.ts";

// The database is no part of what it shows.
if (databaseSide() === "postgresql") {
  for (const [name, width, colorScheme] of [
    ["wide", 1_440, "light"],
    ["narrow", 360, "dark"],
  ] as const) {
    test(`a ${name} browser without a script shows the reference in its style, and nothing sticks out`, async () => {
      const { url } = await sharedServer();
      const context = await (await openBrowser()).newContext({ viewport: { width, height: 900 }, colorScheme });
      try {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on("console", (message) => complaints.push(message.text()));
        await page.goto(`${url}/docs`);
        await page.getByRole("link", { name: "Groups" }).first().click();
        await page.getByRole("heading", { name: "UpdateGroup" }).waitFor();
        const seen = await page.evaluate(
          "({ out: document.documentElement.scrollWidth - innerWidth, page: getComputedStyle(document.body).backgroundColor })",
        );
        const background = colorScheme === "light" ? "rgb(243, 244, 241)" : "rgb(14, 17, 19)";
        assert.deepEqual(seen, { out: 0, page: background });
        assert.deepEqual(complaints, []);
      } finally {
        await context.close();
      }
    });
  }
}
