import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Answer } from "../support/http.ts";
import { collectPages, GALLERY_THEME, type Gallery } from "../support/page-gallery.ts";
import { findBarriers, openPageViewer, type PageViewer } from "../support/page-viewer.ts";
import { databaseSide } from "../support/test-database.ts";
import { testTenant } from "../support/test-tenant.ts";

/** What the first page may weigh with all that it loads, but for the realm's own logo. */
const PAGE_BYTES_MAX = 50_000;
const NARROW = { width: 320, height: 640 };
const WIDE = { width: 1_280, height: 800 };
/** WCAG 2.2 §2.5.8, in CSS pixels */
const TARGET_SIZE_MIN = 24;
const LOADABLE = /^https:\/\/(cdn\.example\/|pages\.example\/authenticator\/[a-z-]+\.js)/;
const INLINE = /<script(?! type="module" src="\/authenticator\/[^"]*"><\/script>)| on[a-z]+=| style=|javascript:/;
/** Where pictures of all pages are put; undefined: nobody wants to look at them. */
const PICTURES = process.env.MAYFLY_TEST_PICTURES;

const FOCUSED = `(({ activeElement: at }) => at === document.body ? "" :
  [at.name || at.href, at.value ?? "", getComputedStyle(at).outlineStyle].join(" "))(document)`;

/** Where a page begins to be typed at, and what Tab comes to from there, with what shows that it has the focus. */
async function walkByKeyboard(page: Page): Promise<readonly string[]> {
  const stops: string[] = [];
  for (;;) {
    const stop = String(await page.evaluate(FOCUSED));
    if (stops.includes(stop) || (stop === "" && stops.length > 0)) return stops;
    if (stop !== "") stops.push(stop);
    await page.keyboard.press("Tab");
  }
}

function namedPages(look: string, gallery: Gallery): readonly (readonly [string, Answer])[] {
  return Object.entries(gallery).map(([name, answer]) => [`${look}-${name}`, answer]);
}

async function takePictures(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [size, viewport] of Object.entries({ narrow: NARROW, wide: WIDE })) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}-${size}.png`), fullPage: true });
    }
  }
}

// The pages are the same over both databases, and a browser takes long to start: once is enough.
if (databaseSide() === "embedded") {
  describe("every page", () => {
    let plain: Gallery;
    let themed: Gallery;
    let viewer: PageViewer;
    before(async () => {
      const { server } = await testTenant();
      viewer = await openPageViewer(server.url);
      [plain, themed] = await Promise.all([collectPages("en"), collectPages("de", GALLERY_THEME)]);
    });
    after(() => viewer.context.close());

    test("is no serious barrier to anybody", async () => {
      await viewer.page.emulateMedia({ colorScheme: "light" });
      for (const [name, answer] of Object.entries(plain)) {
        await viewer.show(answer);
        assert.deepEqual([name, await findBarriers(viewer.page)], [name, []]);
      }
    });

    // Themed pages by day and night; the others by night: by day they were looked at as a whole.
    for (const [look, colorScheme] of [
      ["themed", "light"],
      ["themed", "dark"],
      ["plain", "dark"],
    ] as const) {
      test(`can be read (${look}, ${colorScheme})`, async () => {
        await viewer.page.emulateMedia({ colorScheme });
        for (const [name, answer] of Object.entries({ plain, themed }[look])) {
          await viewer.show(answer);
          assert.deepEqual([name, await findBarriers(viewer.page, ["color-contrast"])], [name, []]);
        }
      });
    }

    test("keeps its policy: no script of its own, no frame, nothing loaded but the logo", async () => {
      for (const [name, answer] of [...namedPages("plain", plain), ...namedPages("themed", themed)]) {
        const policy = answer.headers.get("content-security-policy") ?? "";
        assert.match(policy, /^default-src 'none'; style-src( 'sha256-[A-Za-z0-9+/=]+')+; /, name);
        assert.doesNotMatch(policy, /unsafe|\*|data:|blob:/, name);
        assert.match(policy, /; frame-ancestors 'none'; base-uri 'none'$/, name);
        assert.equal(answer.headers.get("x-frame-options"), "DENY", name);
        assert.deepEqual([name, INLINE.exec(answer.text)?.[0]], [name, undefined]);
        await viewer.show(answer);
        assert.deepEqual([name, ...viewer.complaints], [name]);
        const strange = [...viewer.loaded.keys()].filter((url) => !LOADABLE.test(url));
        assert.deepEqual([name, ...strange], [name]);
        await takePictures(viewer.page, name);
      }
    });

    test("fits a narrow screen, and its buttons a thumb", async () => {
      await viewer.page.setViewportSize(NARROW);
      for (const [name, answer] of Object.entries(themed)) {
        await viewer.show(answer);
        assert.equal(await viewer.page.evaluate("document.scrollingElement.scrollWidth"), NARROW.width, name);
        const sizes =
          await viewer.page.evaluate(`[...document.querySelectorAll("button,input:not([type=hidden]),select")]
          .map((one) => Math.round(one.getBoundingClientRect().height)).filter((height) => height > 0 && height < ${TARGET_SIZE_MIN})`);
        assert.deepEqual([name, sizes], [name, []]);
      }
    });

    test("is light: the first one, with all that it loads, has less than 50 kB", async () => {
      const { signIn } = plain;
      assert.ok(signIn);
      await viewer.show(signIn);
      const bytes = [...viewer.loaded.values()].reduce((sum, size) => sum + size, Buffer.byteLength(signIn.text));
      assert.ok(viewer.loaded.size === 2 && bytes < PAGE_BYTES_MAX, `${bytes} bytes`);
    });

    test("is walked through by keyboard, in the order in which it is read, and shows where one is", async () => {
      const { code, consent, address } = themed;
      assert.ok(code && consent && address);
      await viewer.show(address);
      assert.deepEqual(await walkByKeyboard(viewer.page), [
        "email  solid",
        "action send solid",
        "action cancel solid",
        `${GALLERY_THEME.support_url}  solid`,
      ]);
      await viewer.show(code);
      const stops = await walkByKeyboard(viewer.page);
      assert.deepEqual(
        stops.map((stop) => stop.split(" ")[1]),
        ["", "verify", "send_again", "other_address", "cancel", ""],
      );
      assert.ok(stops.every((stop) => stop.endsWith(" solid")));
      await viewer.show(consent);
      const asked = (await walkByKeyboard(viewer.page)).map((stop) => stop.split(" ")[0]);
      assert.deepEqual(asked, ["lifetime", "renewal", "action", "action", "action", GALLERY_THEME.support_url]);
    });
  });
}
