import { durationInWords } from "../../http/duration-in-words.ts";
import { type Html, html } from "../../http/html.ts";
import { isOpenidScope } from "../../protocol/scope.ts";
import type { UnaskedAccess } from "../../resources/consent/queries.ts";
import { personalInWords, renewalInWords } from "../consent-in-words.ts";
import { ago } from "./ago.ts";
import { button } from "./buttons.ts";
import type { Account, NamedConsent } from "./read-account.ts";
import type { AccountVisit } from "./visit.ts";

/** Which applications have what of a person, and by whose word. */
export function renderApplications(visit: AccountVisit, { consents, unasked }: Account): Html {
  const { applications: texts } = visit.texts.account;
  if (consents.length + unasked.length === 0) return html`<p>${texts.none}</p>`;
  return html`<ul class="items">${consents.map((consent) => renderConsent(visit, consent))}${unasked.map((access) =>
    renderUnasked(visit, access),
  )}
</ul>`;
}

function renderConsent(visit: AccountVisit, consent: NamedConsent): Html {
  const { texts } = visit;
  const { applicationName: name } = consent;
  return html`
<li><div><strong>${name}</strong>
${renderGiven(visit, consent)}
<small>${texts.consent.lifetime.only(durationInWords(consent.maximumSeconds, texts.language))} ${renewalInWords(texts, name, consent)}</small>
<small>${texts.account.applications.given(ago(visit, consent.givenAt))}</small></div>
${renderEnd(visit, consent, { action: "withdraw", label: texts.account.applications.withdraw })}</li>`;
}

/** Its administrator has said that nobody is asked; the person sees it and ends it all the same. */
function renderUnasked(visit: AccountVisit, access: UnaskedAccess): Html {
  const { unasked: texts } = visit.texts.account.applications;
  return html`
<li><div><strong>${access.applicationName}</strong>
${renderGiven(visit, access)}
<small>${texts.approved(visit.realmName)}</small>
<small>${texts.given(ago(visit, access.givenAt))}</small></div>
${renderEnd(visit, access, { action: "end_access", label: texts.end })}</li>`;
}

type Access = Pick<NamedConsent, "scope" | "claims" | "key" | "applicationName">;

function renderGiven({ texts }: AccountVisit, access: Access): Html {
  const words = personalInWords(texts, access);
  const rights = access.scope.filter((one) => !isOpenidScope(one));
  const told = new Intl.ListFormat(texts.language, { type: "conjunction" }).format(words);
  return html`${
    words.length === 0
      ? undefined
      : html`<small>${told}</small>
`
  }${rights.length === 0 ? undefined : html`<small><code>${rights.join(" ")}</code></small>`}`;
}

function renderEnd(
  visit: AccountVisit,
  { key, applicationName: about }: Access,
  how: { readonly action: string; readonly label: string },
): Html | undefined {
  if (!visit.isRecent) return undefined;
  return button(visit, { ...how, about, id: { name: "application_id", value: key.applicationId } });
}
