import { PASSKEY_SCRIPT } from "../../http/browser-scripts.ts";
import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import type { Texts } from "../../http/texts/index.ts";
import { realmPath } from "../../protocol/client-metadata.ts";
import type { creationOptions } from "../../protocol/webauthn/options.ts";
import { accountLink } from "../../resources/account-link.ts";
import type { PresentedLink } from "../../resources/judge-binding-link.ts";
import { creationFields } from "../passkey/creation-fields.ts";
import type { UsableLink } from "./bind.ts";

/** What the page of a link shows besides whom it is for. */
export interface BindPage {
  readonly presented: PresentedLink;
  /** undefined where the authenticator allows no passkey */
  readonly creation: ReturnType<typeof creationOptions> | undefined;
  readonly problem?: keyof Texts["passkey"]["problem"] | undefined;
  readonly texts: Texts;
}

/** Where the pages of links are. */
function bindPath({ key }: PresentedLink): string {
  return `/authenticator${realmPath(key)}/bind`;
}

/** Asks the person whom a link is for to make a passkey. */
export function bindPage(link: UsableLink, { presented, creation, problem, texts }: BindPage): Page {
  const { identity, realmName, job } = link;
  const { passkey } = texts;
  const { post_binding_redirect_uri: next } = job.settings;
  return {
    ...frame(link, texts),
    status: problem === undefined ? 200 : 400,
    title: `${passkey.bind.title} · ${realmName}`,
    endsAt: next === undefined ? [] : [next],
    script: PASSKEY_SCRIPT,
    content: html`<h1>${passkey.bind.title}</h1>
<p>${passkey.bind.intro(identity.traits.primary_email_address ?? identity.displayName)}</p>
<form method="post" action="${bindPath(presented)}">
${hidden("identity_id", presented.identityId)}${hidden("job_id", presented.key.jobId)}${hidden("token", presented.token)}
${problem && html`<p class="wrong" role="alert">${passkey.problem[problem]}</p>`}
${creationFields(texts, creation)}
<p class="hint" data-passkey-missing>${passkey.bind.otherDevice}</p>
</form>`,
  };
}

/** Says that the passkey is there. */
export function boundPage(link: UsableLink, texts: Texts): Page {
  const { bind } = texts.passkey;
  return {
    ...frame(link, texts),
    status: 200,
    title: `${bind.done} · ${link.realmName}`,
    content: html`<h1>${bind.done}</h1>
<p class="done" role="status">${bind.goOn(link.realmName)}</p>
${accountLink(link.identity.key, texts.language)}`,
  };
}

/** What is around every page of a link. */
export function frame({ realmName, identity, look }: UsableLink, { language }: Texts) {
  return { ...look, language, application: { name: realmName, realm: identity.displayName } };
}

function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}">`;
}
