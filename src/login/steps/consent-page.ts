import { durationInWords } from "../../http/duration-in-words.ts";
import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { type ConsentTerms, lifetimeChoices } from "../../protocol/consent.ts";
import { isOpenidScope } from "../../protocol/scope.ts";
import { personalInWords, renewalInWords } from "../consent-in-words.ts";
import type { Visit } from "../visit.ts";
import { loginPage, openForm } from "./login-page.ts";

/** Why the page is shown again: what is asked for has become another thing, or the lifetime cannot be chosen. */
export type ConsentProblem = "changed" | "lifetime";

/** What the page says. */
export interface ShownConsent {
  readonly person: string | undefined;
  readonly terms: ConsentTerms;
  /** comes back with the answer */
  readonly mark: string;
  readonly floorSeconds: number;
  /** what the person chose before */
  readonly chosenSeconds: number | undefined;
  readonly problem: ConsentProblem | undefined;
}

const REFUSED_STATUS = 400;

/** Asks the person who is known whether the client may have what it asks for, and for how long. */
export function consentPage(visit: Visit, shown: ShownConsent): Page {
  const { name } = visit.context;
  const { consent, login } = visit.texts;
  const { signedInAs, nobody, otherAccount } = login.confirm;
  return loginPage(visit, {
    status: shown.problem === undefined ? 200 : REFUSED_STATUS,
    title: consent.title,
    content: html`<h1>${consent.heading(name)}</h1>
<p>${signedInAs(shown.person ?? nobody)}</p>
${renderProblem(visit, shown.problem)}${renderAsked(visit, shown.terms)}${openForm(visit)}
<input type="hidden" name="asked" value="${shown.mark}">
${renderLifetime(visit, shown)}
<p class="hint">${renewalInWords(visit.texts, name, shown.terms)}</p>
<button class="main" name="action" value="allow">${consent.allow}</button>
<div class="more"><button name="action" value="other_account" formnovalidate>${otherAccount}</button></div>
<button class="leave" name="action" value="cancel" formnovalidate>${consent.refuse}</button>
</form>`,
  });
}

function renderProblem({ texts }: Visit, problem: ConsentProblem | undefined): Html | undefined {
  if (problem === undefined) return undefined;
  const { changed, lifetime } = texts.consent;
  return html`<p class="wrong" id="problem" role="alert">${problem === "changed" ? changed : lifetime.wrong}</p>
`;
}

function renderAsked(visit: Visit, terms: ConsentTerms): Html {
  const { consent } = visit.texts;
  const { name } = visit.context;
  const lines = [...personalInWords(visit.texts, terms), ...renderRights(visit, terms)];
  if (lines.length === 0)
    return html`<p>${consent.asksForNothing(name)}</p>
`;
  return html`<p>${consent.asksFor(name)}</p>
<ul class="asked">${lines.map(
    (line) => html`
<li>${line}</li>`,
  )}
</ul>
`;
}

function renderRights({ texts, context }: Visit, { scope }: ConsentTerms): readonly Html[] {
  const rights = scope.filter((one) => !isOpenidScope(one));
  if (rights.length === 0) return [];
  return [
    html`${texts.consent.rightsAt(context.application?.resourceServer?.identifier ?? "")} <ul>${rights.map(
      (right) => html`
<li><code>${right}</code></li>`,
    )}
</ul>`,
  ];
}

function renderLifetime({ texts }: Visit, shown: ShownConsent): Html {
  const { label, only, longest } = texts.consent.lifetime;
  const { maximumSeconds } = shown.terms;
  const inWords = (seconds: number): string => durationInWords(seconds, texts.language);
  const choices = lifetimeChoices(shown.terms, shown);
  if (choices.length === 1) return html`<p>${only(inWords(maximumSeconds))}</p>`;
  const selected = choices.find((seconds) => seconds === shown.chosenSeconds) ?? maximumSeconds;
  const isWrong = shown.problem === "lifetime";
  return html`<label for="lifetime">${label}</label>
<select id="lifetime" name="lifetime"${isWrong ? html` aria-invalid="true" aria-describedby="problem"` : undefined}>${choices.map(
    (seconds) => html`
<option value="${seconds}"${seconds === selected ? html` selected` : undefined}>${
      seconds === maximumSeconds ? longest(inWords(seconds)) : inWords(seconds)
    }</option>`,
  )}
</select>`;
}
