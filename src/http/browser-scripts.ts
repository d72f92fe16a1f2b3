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
const PASSKEY = script("passkey.js", withLibrary(readOwn("passkey.js")));
const FORM_POST = script("form-post.js", readOwn("form-post.js"));
const CLIENT = script("client.js", withLibrary(readOwn("client.js")));

/** The address of the script that uses and makes passkeys on our pages. */
export const PASSKEY_SCRIPT = PASSKEY.address;
/** The address of the script that posts an answer to its client. */
export const FORM_POST_SCRIPT = FORM_POST.address;

const FOR_GOOD = "public, max-age=31536000, immutable";
/** Applications name the client without a hash. */
const FOR_FIVE_MINUTES = "public, max-age=300";

/** The scripts of our own pages, beside which nothing inline runs under their policy, and the client for pages of applications. */
export const browserScriptRoutes: readonly Route[] = [
  scriptRoute(LIBRARY, FOR_GOOD),
  scriptRoute(PASSKEY, FOR_GOOD),
  scriptRoute(FORM_POST, FOR_GOOD),
  scriptRoute(CLIENT, FOR_FIVE_MINUTES),
];

// They are the same for everybody and hold nothing, so that pages of every origin may load them.
function scriptRoute({ path, text }: Script, caching: string): Route {
  const headers = {
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": caching,
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  };
  const handle = async () => ({ status: 200, headers, body: text });
  return { name: `script ${path}`, method: "GET", path, kind: "public", handle };
}

function readOwn(name: string): string {
  return readFileSync(new URL(`../../web/${name}`, import.meta.url), "utf8");
}

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
