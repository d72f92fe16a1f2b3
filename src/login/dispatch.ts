import { loginOverReply } from "../http/login-over-page.ts";
import type { FormFields } from "../http/page-form.ts";
import { pageFailureOf, pageReply, redirectReply, replyWithErrorPage } from "../http/pages.ts";
import type { HttpReply, HttpRequest } from "../http/route.ts";
import { parseQuery } from "../protocol/parameters.ts";
import { type AuthorizationRequest, refuseAuthorizationRequest } from "../resources/authorization-request/queries.ts";
import { completionPath, loginPath } from "../resources/authorization-request/rules.ts";
import { leaveForPages } from "./embedded/visit.ts";
import { readLoginForm } from "./form.ts";
import type { LoginServices } from "./services.ts";
import { LOGIN_STEPS } from "./steps/index.ts";
import type { LoginStep, Notice, StepResult } from "./steps/step.ts";
import { openVisit, recordLogin, type Visit } from "./visit.ts";

/** GET: the page that is next, as stored. */
export function showLogin(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  return withVisit(services, http, async (visit) => {
    const step = nextStep(visit.stored);
    if (step === undefined) return redirectReply(completionPath(visit.stored));
    if (step.methods !== undefined && visit.stored.embedded !== undefined) return leaveForPages(visit);
    return pageReply(await step.show(visit, noticeOf(http)));
  });
}

/** POST: what somebody did on the page; then the page that is next. */
export function submitLogin(services: LoginServices, http: HttpRequest): Promise<HttpReply> {
  return withVisit(services, http, async (visit) => {
    const fields = readLoginForm(visit);
    if (fields.get("action") === "cancel") return cancel(visit);
    if (nextStep(visit.stored) === undefined) return redirectReply(completionPath(visit.stored));
    const result = await takeAction(visit, fields);
    if (result === undefined) return goOn(visit.stored, undefined);
    return result.kind === "page" ? pageReply(result.page) : goOn(result.stored, result.notice);
  });
}

/** Answers a browser at the pages of a login of its own, and any other with why it has nothing to do there. */
export async function withVisit(
  services: LoginServices,
  http: HttpRequest,
  handle: (visit: Visit) => Promise<HttpReply>,
): Promise<HttpReply> {
  let failure = pageFailureOf(http, services.deps.log);
  try {
    const visit = await openVisit(services, http);
    if ("over" in visit) return loginOverReply(visit.over, { ...failure, ...visit });
    const { context, texts, theme } = visit;
    failure = { ...failure, language: texts.language, theme, isTestTenant: context.tenant.kind === "test" };
    return await handle(visit);
  } catch (error) {
    return replyWithErrorPage(error, failure);
  }
}

/** The step whose turn it is; undefined when the login is over, well or not, and the client is to be answered. */
function nextStep({ state }: AuthorizationRequest): LoginStep | undefined {
  return LOGIN_STEPS.find((step) => step.states.includes(state));
}

/**
 * Does what a form of this action does, wherever it was sent from.
 *
 * @returns undefined where no step takes it as the login stands
 */
export async function takeAction(visit: Visit, fields: FormFields): Promise<StepResult | undefined> {
  return stepFor(visit, fields.get("action"))?.submit(visit, fields);
}

/** The step that a form is for: none where it is of another page, or for a way to log in that is not allowed here. */
function stepFor({ stored, methods }: Visit, action: string | undefined): LoginStep | undefined {
  if (action === undefined) return undefined;
  return LOGIN_STEPS.find(
    (step) =>
      step.states.includes(stored.state) &&
      step.actions.includes(action) &&
      (step.methods === undefined || methods.some(({ type }) => step.methods?.some((own) => own === type))),
  );
}

function goOn(stored: AuthorizationRequest, notice: Notice | undefined): HttpReply {
  if (nextStep(stored) === undefined) return redirectReply(completionPath(stored));
  return redirectReply(notice === undefined ? loginPath(stored) : `${loginPath(stored)}?notice=${notice}`);
}

async function cancel(visit: Visit): Promise<HttpReply> {
  const { database } = visit.services.deps;
  const stored = await refuseAuthorizationRequest(database.tenants([visit.stored.tenantId]), visit.stored, visit.now);
  if (stored !== undefined) recordLogin(visit, "cancelled");
  return goOn(stored ?? visit.stored, undefined);
}

function noticeOf(http: HttpRequest): Notice | undefined {
  const { values } = parseQuery(http.queryString, { duplicates: "report" });
  return values.get("notice") === "code_sent_again" ? "code_sent_again" : undefined;
}
