// A web application with a login page of its own, at loopback: the smallest that shows all of it. Its guide is docs/guides/embedded-login.md.
//
//   MAYFLY_ISSUER=https://auth.example.com/v1/tenants/…/applications/… MAYFLY_CLIENT_ID=… [MAYFLY_CLIENT_SECRET=…] PORT=8080 node server.mjs
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Settings
 * @property {string} issuer of the application
 * @property {string} clientId
 * @property {string} [clientSecret] undefined: a public client
 * @property {string} origin of this application
 */

const read = (/** @type {string} */ name) => readFileSync(new URL(name, import.meta.url), "utf8");
const PAGE = read("index.html");
const SCRIPT = read("app.js");

/**
 * The application's server, not listening yet.
 *
 * @param {Settings} settings
 */
export function createShop(settings) {
  const { issuer, clientId, origin } = settings;
  const mayfly = new URL(issuer).origin;
  /** @type {Map<string, string>} a login's verifier by its `state`; a real application keeps both in its session cookie */
  const logins = new Map();

  return createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", origin);
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {string} */ body) =>
      response.writeHead(status, { "content-type": `${type}; charset=utf-8`, ...policyOf(mayfly) }).end(body);
    switch (url.pathname) {
      case "/app.js":
        return send(200, "text/javascript", SCRIPT);
      case "/login": {
        const [state, verifier] = [randomBytes(24), randomBytes(32)].map((bytes) => bytes.toString("base64url"));
        logins.set(state ?? "", verifier ?? "");
        const parameters = {
          response_type: "code",
          client_id: clientId,
          redirect_uri: `${origin}/callback`,
          scope: "openid",
          state: state ?? "",
          code_challenge: createHash("sha256")
            .update(verifier ?? "")
            .digest("base64url"),
          code_challenge_method: "S256",
        };
        const location = `${issuer}/authorize?${new URLSearchParams(parameters)}`;
        return response.writeHead(302, { location, "set-cookie": `state=${state}; HttpOnly; SameSite=Lax` }).end();
      }
      case "/callback": {
        const state = url.searchParams.get("state") ?? "";
        const verifier = logins.get(state);
        logins.delete(state);
        // The login that this browser began, and no other.
        if (verifier === undefined || !request.headers.cookie?.split("; ").includes(`state=${state}`)) {
          return send(400, "text/plain", "This is not the login that was begun here.");
        }
        const who = await exchange(settings, url.searchParams.get("code") ?? "", verifier);
        return send(200, "text/html", `<title>Signed in</title><h1>Signed in</h1><p id="who">${who}</p>`);
      }
      default: // "/", and what Mayfly appends to the invoke URL: /bi-authenticate and /bind
        return send(
          200,
          "text/html",
          PAGE.replace("{{client}}", `${mayfly}/authenticator/client.js`).replace("{{issuer}}", issuer),
        );
    }
  });
}

/**
 * The code becomes tokens; the answer says who it is.
 *
 * @param {Settings} settings
 * @param {string} code
 * @param {string} verifier
 * @returns {Promise<string>}
 */
async function exchange({ issuer, clientId, clientSecret, origin }, code, verifier) {
  const form = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: `${origin}/callback` };
  const body = new URLSearchParams(clientSecret === undefined ? { ...form, client_id: clientId } : form);
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  /** @type {Record<string, string>} */
  const headers = clientSecret === undefined ? {} : { authorization: `Basic ${basic}` };
  const answer = await fetch(`${issuer}/token`, { method: "POST", body, headers });
  const { id_token = "" } = /** @type {{ id_token?: string }} */ (await answer.json());
  // Straight from Mayfly, so its signature need not be verified (OpenID Connect Core §3.1.3.7).
  const payload = Buffer.from(id_token.split(".")[1] ?? "", "base64url").toString() || "{}";
  const { sub, amr } = /** @type {{ sub?: string, amr?: string[] }} */ (JSON.parse(payload));
  return `${sub} by ${amr?.join(", ")}`;
}

/** @param {string} mayfly the origin that the page loads a module of and calls */
function policyOf(mayfly) {
  return {
    "content-security-policy": `default-src 'none'; script-src 'self' ${mayfly}; connect-src ${mayfly}; style-src 'unsafe-inline'`,
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const {
    MAYFLY_ISSUER: issuer,
    MAYFLY_CLIENT_ID: clientId,
    MAYFLY_CLIENT_SECRET: clientSecret,
    PORT = "8080",
  } = process.env;
  if (!issuer || !clientId) throw new Error("set MAYFLY_ISSUER and MAYFLY_CLIENT_ID");
  const secret = clientSecret === undefined ? {} : { clientSecret };
  createShop({ issuer, clientId, ...secret, origin: `http://localhost:${PORT}` }).listen(Number(PORT), "localhost");
}
