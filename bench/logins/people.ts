import { call, postForm } from "../../test/support/http.ts";
import { type SoftwarePasskey, softwarePasskey } from "../../test/support/software-passkey.ts";
import { hiddenFields, testBrowser } from "../../test/support/test-browser.ts";
import { sendForObject } from "../http-request.ts";
import { CODE_CHALLENGE, REDIRECT_URI } from "../login.ts";
import { createApiClient, type RunningMayfly } from "../mayfly-server.ts";
import { BENCH_SCOPE } from "../side.ts";

/** Without `offline_access`: a person would be asked for it. */
const SCOPE = `openid ${BENCH_SCOPE}`;

/** The options that a page of ours has for the browser's part of a ceremony. */
function optionsOn(text: string, kind: "request" | "creation") {
  const [, written = "null"] = new RegExp(`data-passkey-${kind}="([^"]*)"`).exec(text) ?? [];
  return JSON.parse(written.replaceAll("&quot;", '"'));
}

/** Where people log in, and by which passkey each of them does. */
export interface LoginPlace {
  readonly server: RunningMayfly;
  readonly passkeys: readonly SoftwarePasskey[];
}

/** Makes people who have passkeys: each by the link of a credential binding job, with a ceremony of its own. */
export async function enrol(server: RunningMayfly, count: number): Promise<LoginPlace> {
  const bearer = String((await sendForObject(server.manage(), server.port)).access_token);
  const api = createApiClient(server.port, bearer);
  const realm = `/v1/tenants/${server.tenantId}/realms/${server.login.realmId}`;
  const passkeys: SoftwarePasskey[] = [];
  for (let number = 0; number < count; number += 1) {
    const traits = { type: "traits_v0", username: `person-${number}` };
    const { id } = await api("POST", `${realm}/identities`, { identity: { display_name: `Person ${number}`, traits } });
    const job = { delivery_method: "RETURN", authenticator_config_id: server.login.authenticatorConfigId };
    const { credential_binding_link } = await api("POST", `${realm}/identities/${id}/credential-binding-jobs`, { job });
    passkeys.push(await bind(server, String(credential_binding_link)));
  }
  return { server, passkeys };
}

async function bind(server: RunningMayfly, link: string): Promise<SoftwarePasskey> {
  const opened = await call(link);
  const location = opened.headers.get("location");
  if (location === null) throw new Error(`the link leads nowhere: ${opened.status} ${opened.text}`);
  const url = new URL(location);
  const passkey = softwarePasskey({ origin: server.publicUrl });
  const creation = optionsOn((await call(url.href)).text, "creation");
  const fields = { ...Object.fromEntries(url.searchParams), credential: passkey.create(creation) };
  const bound = await postForm(`${url.origin}${url.pathname}`, fields);
  if (bound.status !== 200) throw new Error(`no passkey was bound: ${bound.status} ${bound.text}`);
  return passkey;
}

/**
 * Logs a person in as a browser and its client do: authorize, the page, the passkey, the answer to the client, the code's exchange. Throws
 * unless there are an access token and an ID token at the end.
 */
export async function logIn(server: RunningMayfly, passkey: SoftwarePasskey): Promise<void> {
  const browser = testBrowser();
  const { issuer, clientId } = server.loginClient;
  const parameters = new URLSearchParams({
    ...{ response_type: "code", client_id: clientId, redirect_uri: REDIRECT_URI, scope: SCOPE, state: "s" },
    ...{ code_challenge: CODE_CHALLENGE, code_challenge_method: "S256", prompt: "login" },
  });
  const begun = await browser.open(`${issuer}/authorize?${parameters}`);
  const url = new URL(begun.headers.get("location") ?? "", issuer).href;
  const page = await browser.open(url);
  const credential = passkey.get(optionsOn(page.text, "request"));
  const proved = await browser.post(url, { ...hiddenFields(page), action: "passkey", credential });
  const answered = await browser.open(new URL(proved.headers.get("location") ?? "", issuer).href);
  const code = new URL(answered.headers.get("location") ?? "").searchParams.get("code");
  if (code === null) throw new Error(`no code: ${answered.status} ${answered.headers.get("location")}`);
  const tokens = await sendForObject(server.exchange(code), server.port);
  if (tokens.access_token === undefined || tokens.id_token === undefined) throw new Error("no tokens");
}
