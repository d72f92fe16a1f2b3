import { join } from "node:path";
import type { Page } from "playwright-core";

/** Where pictures of pages are put; undefined: nobody wants to look at them. */
const PICTURES = process.env.MAYFLY_TEST_PICTURES;
const SIZE = { width: 640, height: 720 };

/** Takes a picture for a guide: `MAYFLY_TEST_PICTURES=docs/guides/images npm test -- --embedded test/pages/guides.test.ts`, or `…/relying-parties.test.ts`. */
export async function guidePicture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await page.setViewportSize(SIZE);
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}
