import { type Html, html } from "../../http/html.ts";
import type { Page, PageSurroundings } from "../../http/pages.ts";
import { embeddedPagesOf } from "../../resources/authenticator-config/rules.ts";
import { formToken, loginPath } from "../../resources/authorization-request/rules.ts";
import type { Visit } from "../visit.ts";

/** A page of a login: whose it is, and where its form may end. */
export function loginPage(visit: Visit, page: Pick<Page, "status" | "title" | "content" | "script">): Page {
  // Another account is chosen at the application's own pages, where it has any.
  const pages = visit.stored.embedded && embeddedPagesOf(visit.authenticator);
  return {
    ...page,
    ...surroundingsOf(visit),
    title: `${page.title} · ${visit.context.name}`,
    endsAt: [visit.stored.parameters.redirectUri, ...(pages === undefined ? [] : [pages.invokeUrl])],
  };
}

/** What is around every page of a login. */
export function surroundingsOf({ texts, theme, context: { name, place, tenant } }: Visit): PageSurroundings {
  const application = { name, realm: place };
  return { language: texts.language, theme, application, isTestTenant: tenant.kind === "test" };
}

/** Begins the form of a page: a login has one address from beginning to end. */
export function openForm(visit: Visit): Html {
  return html`<form method="post" action="${loginPath(visit.stored)}">
<input type="hidden" name="form_token" value="${formToken(visit.secret, visit.stored.id)}">`;
}

/** The way out of every page. */
export function cancelButton({ texts }: Visit): Html {
  return html`<button class="leave" name="action" value="cancel" formnovalidate>${texts.login.cancel}</button>`;
}

/** Says what was wrong with the form. */
export function problem(text: string): Html {
  return html`<p class="wrong" id="problem" role="alert">${text}</p>
`;
}

/** The attributes of a field that `problem` is about. */
export function describedBy(isWrong: boolean): Html | undefined {
  return isWrong ? html` aria-invalid="true" aria-describedby="problem"` : undefined;
}
