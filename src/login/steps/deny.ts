import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { refuseAuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { loginPage, openForm } from "./login-page.ts";
import type { StepResult } from "./step.ts";

const DENIED_STATUS = 403;

/**
 * Ends a login that the policy of the realm denies: the person reads so, and the client is told `access_denied` when the page is left.
 *
 * @param facts for the decision: who it was, and by which rule
 */
export async function denyLogin(visit: Visit, facts: Readonly<Record<string, unknown>>): Promise<StepResult> {
  const db = visit.services.deps.database.tenants([visit.context.key.tenantId]);
  const stored = await refuseAuthorizationRequest(db, visit.stored, visit.now);
  // Answered in another tab meanwhile.
  if (stored === undefined) return { kind: "moved", stored: visit.stored };
  recordLogin(visit, "denied", { cause: "the policy of the realm denies it", ...facts });
  return { kind: "page", page: deniedPage(visit), why: "denied" };
}

// One sentence, whatever rule it was: an administrator reads the cause, and somebody who tries rules out does not.
function deniedPage(visit: Visit): Page {
  const { name, realm } = visit.context;
  const { denied } = visit.texts.login;
  return loginPage(visit, {
    status: DENIED_STATUS,
    title: denied.title,
    content: html`<h1>${denied.title}</h1>
<p role="alert">${denied.advice(name, realm.displayName)}</p>
${openForm(visit)}
<button class="main" name="action" value="cancel">${visit.texts.login.backTo(name)}</button>
</form>`,
  });
}
