import type { Page } from "playwright-core";
import { TEST_CODE } from "./test-browser.ts";

/** Logs a person in at our pages, where the browser has come to, by the code that a mail brings. */
export async function logInAtPages(page: Page, email: string): Promise<void> {
  await page.getByLabel("Email address").fill(email);
  await page.getByRole("button", { name: "Email me a code" }).click();
  await page.getByLabel("Code").fill(TEST_CODE);
  await page.getByRole("button", { name: "Sign in" }).click();
}
