import { durationInWords } from "../../http/duration-in-words.ts";
import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Texts } from "../../http/texts/index.ts";
import { type ConsentTerms, lifetimeChoices, renewalChoices } from "../../protocol/consent.ts";
import { isOpenidScope } from "../../protocol/scope.ts";
import { personalInWords, renewalInWords } from "../consent-in-words.ts";
import type { Visit } from "../visit.ts";
import { describedBy, loginPage, openForm } from "./login-page.ts";

/** Why the page is shown again: what is asked for has become another thing, or one of its times cannot be chosen. */
export type ConsentProblem = "changed" | Choice;

/** What a person chooses on the page. */
type Choice = "lifetime" | "renewal";

/** What the page says. */
export interface ShownConsent {
  readonly person: string | undefined;
  readonly terms: ConsentTerms;
  /** comes back with the answer */
  readonly mark: string;
  readonly floorSeconds: number;
  /** what the person chose before */
  readonly chosenSeconds: number | undefined;
  readonly chosenRenewalSeconds: number | undefined;
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
${renderRenewal(visit, shown)}
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
  const { label, only } = texts.consent.lifetime;
  const offered = lifetimeChoices(shown.terms, shown);
  if (offered.length === 1) return html`<p>${only(durationInWords(shown.terms.maximumSeconds, texts.language))}</p>`;
  return html`<label for="lifetime">${label}</label>
${renderChoice(texts, "lifetime", { offered, chosen: shown.chosenSeconds, isWrong: shown.problem === "lifetime" })}`;
}

function renderRenewal({ texts, context }: Visit, shown: ShownConsent): Html {
  const { terms, chosenRenewalSeconds: chosen } = shown;
  const { label, untilSignOut, goesOn } = texts.consent.renewal;
  const offered = renewalChoices(terms, chosen);
  if (offered.length === 1) return html`<p class="hint">${renewalInWords(texts, context.name, terms)}</p>`;
  return html`<label for="renewal">${label}</label>
${renderChoice(texts, "renewal", { offered, chosen, isWrong: shown.problem === "renewal" })}
<p class="hint">${terms.scope.includes("offline_access") ? goesOn(context.name) : untilSignOut(context.name)}</p>`;
}

interface Offered {
  /** in seconds, the longest last */
  readonly offered: readonly number[];
  readonly chosen: number | undefined;
  readonly isWrong: boolean;
}

function renderChoice(texts: Texts, name: Choice, { offered, chosen, isWrong }: Offered): Html {
  const longest = offered.at(-1);
  const selected = offered.find((seconds) => seconds === chosen) ?? longest;
  const inWords = (seconds: number): string => durationInWords(seconds, texts.language);
  return html`<select id="${name}" name="${name}"${describedBy(isWrong)}>${offered.map(
    (seconds) => html`
<option value="${seconds}"${seconds === selected ? html` selected` : undefined}>${
      seconds === longest ? texts.consent.lifetime.longest(inWords(seconds)) : inWords(seconds)
    }</option>`,
  )}
</select>`;
}
