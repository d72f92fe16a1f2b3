import { readFileSync } from "node:fs";
import { sha256 } from "../platform/hash.ts";
import type { Route } from "./route.ts";

// The scripts of our pages are plain modules in `web/`, served as they are; only where the library is, they learn here. Their addresses
// hold a hash of what they say, so that browsers keep them for good and never have those of another version.

const FOLDER = "/authenticator";
const HASH_LENGTH = 16;
const LIBRARY_IMPORT = /^import \{([^}]*)\} from "@simplewebauthn\/browser";$/m;

interface Script {
  readonly path: string;
  /** with the hash */
  readonly address: string;
  readonly text: string;
}

const LIBRARY = script(
  "simplewebauthn.js",
  readFileSync(new URL("../dist/bundle/index.umd.min.js", import.meta.resolve("@simplewebauthn/browser")), "utf8"),
);
const PASSKEY = script(
  "passkey.js",
  withLibrary(readFileSync(new URL("../../web/passkey.js", import.meta.url), "utf8")),
);

/** The address of the script that uses and makes passkeys on our pages. */
export const PASSKEY_SCRIPT = PASSKEY.address;

/** The scripts of our own pages: nothing inline runs under their policy. */
export const browserScriptRoutes: readonly Route[] = [LIBRARY, PASSKEY].map(({ path, text }) => ({
  name: `script ${path}`,
  method: "GET",
  path,
  kind: "public",
  handle: async () => ({
    status: 200,
    headers: {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
    },
    body: text,
  }),
}));

function script(name: string, text: string): Script {
  const path = `${FOLDER}/${name}`;
  return { path, address: `${path}?v=${sha256(text).toString("hex").slice(0, HASH_LENGTH)}`, text };
}

/** A page's module has the library's bundle beside it, which says its functions in one global object. */
function withLibrary(text: string): string {
  if (!LIBRARY_IMPORT.test(text)) throw new Error("a script of ours does not import the library as expected");
  return text.replace(
    LIBRARY_IMPORT,
    (_, names) => `import "${LIBRARY.address}";\nconst {${names}} = SimpleWebAuthnBrowser;`,
  );
}
