import assert from "node:assert/strict";
import { authorizeParameters, locationOf, testBrowser, testLogin } from "../test-browser.ts";
import type { CodeFlow } from "../test-code-flow.ts";

/** What a person's sessions leave behind. */
export interface UsedSessions {
  readonly sessionId: string;
  /** ids of authorization requests: one that was posted and not looked at yet, one that waits for a yes, one for consent */
  readonly arrivedRequestId: string;
  readonly askedRequestId: string;
  readonly consentRequestId: string;
}

/** A person logs in, is logged in silently, says yes to what an application asks for, and is asked again. */
export async function useSessions(flow: CodeFlow, email: string): Promise<UsedSessions> {
  const { tenant, application } = flow;
  const browser = testBrowser();
  const login = await testLogin(tenant, application, { browser });
  await login.finish(await login.logIn(email));
  const [sessionId = ""] = (browser.cookies.get(`mayfly-${tenant.realm.realmId}`) ?? "").split(".");
  const parameters = authorizeParameters(application, "v".repeat(43));
  const silent = await browser.open(`${application.issuer}/authorize?${new URLSearchParams(parameters)}`);
  assert.ok(locationOf(silent).searchParams.has("code"));
  const agreed = await testLogin(tenant, application, { browser, parameters: { prompt: "consent" } });
  await agreed.finish(await agreed.submit("allow"));
  const ask = async (prompt: string): Promise<string> => {
    const asked = await testLogin(tenant, application, { browser, parameters: { prompt } });
    return asked.url.split("/").at(-1) ?? "";
  };
  const posted = await browser.post(`${application.issuer}/authorize`, parameters);
  const arrivedRequestId = locationOf(posted).searchParams.get("request") ?? "";
  return {
    sessionId,
    arrivedRequestId,
    askedRequestId: await ask("select_account"),
    consentRequestId: await ask("consent"),
  };
}
