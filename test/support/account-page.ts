import { type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import type { Answer } from "./http.ts";
import type { SignedIn } from "./single-sign-on.ts";
import { hiddenFields, locationOf } from "./test-browser.ts";
import type { TestTenant } from "./test-tenant.ts";

/** The address of a realm's account page. */
export function accountUrl({ server }: Pick<TestTenant, "server">, realm: RealmKey): string {
  return `${server.url}/authenticator${realmPath(realm)}/account`;
}

type At = Pick<SignedIn, "flow" | "browser">;

/** Opens the account page of the person's realm. */
export function openAccount({ flow, browser }: At, query = ""): Promise<Answer> {
  return browser.open(`${accountUrl(flow.tenant, flow.tenant.realm)}${query}`);
}

/** Sends a form of the page as it is now, and gives the answer as it is. */
export async function act(at: At, action: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { form_token = "" } = hiddenFields(await openAccount(at));
  const url = accountUrl(at.flow.tenant, at.flow.tenant.realm);
  return at.browser.post(url, { form_token, action, ...fields });
}

/** Sends a form of the page and gives the page that comes then. */
export async function actAndLook(
  at: At,
  action: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await act(at, action, fields);
  return answer.status === 303 ? openAccount(at, locationOf(answer).search) : answer;
}

/** Makes the sessions of a person what a login by one of the passkeys would have made them. */
export async function asByPasskey({ server, tenantId }: Pick<TestTenant, "server" | "tenantId">, identityId: string) {
  await server.deps.database.maintain((session) =>
    session.query(
      "UPDATE sessions SET acr = 'mayfly:3', amr = '{hwk,user}' WHERE tenant_id = $1 AND identity_id = $2 AND ended_at IS NULL",
      [tenantId, identityId],
    ),
  );
}

/** The ids that the page's forms name, in its order. */
export function idsOn(page: Answer, name: "session_id" | "credential_id" | "application_id"): readonly string[] {
  return [...page.text.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, "g"))].map(([, id = ""]) => id);
}

/** The id of the browser's session. */
export function sessionIdOf({ flow, browser }: At): string {
  return (browser.cookies.get(`mayfly-${flow.tenant.realm.realmId}`) ?? "").split(".")[0] ?? "";
}
