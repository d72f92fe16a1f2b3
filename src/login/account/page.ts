import { type Html, html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { timeAgo } from "../../http/time-ago.ts";
import type { Credential } from "../../resources/credential/queries.ts";
import type { Session } from "../../resources/session/queries.ts";
import type { AccountNotice } from "./actions/action.ts";
import { ago } from "./ago.ts";
import { button, buttons } from "./buttons.ts";
import { openForm } from "./form.ts";
import type { Account } from "./read-account.ts";
import { renderApplications } from "./render-applications.ts";
import { signInForm } from "./sign-in-form.ts";
import { type AccountPlace, type AccountVisit, mayChangePasskeys } from "./visit.ts";

const REFUSED_STATUS = 403;
const MS_PER_SECOND = 1_000;

/** What the page says besides what belongs to the person. */
export interface AccountShown {
  readonly notice?: AccountNotice | undefined;
  /** whether something was not done, because the login was too long ago */
  readonly isRefused?: boolean;
}

/** Shows a person where they are signed in, how they can sign in, and which applications have what of theirs. */
export function accountPage(visit: AccountVisit, account: Account, { notice, isRefused = false }: AccountShown): Page {
  const { account: texts } = visit.texts;
  const person = visit.identity.traits.primary_email_address ?? visit.identity.displayName;
  return {
    ...visit.surroundings,
    status: isRefused ? REFUSED_STATUS : 200,
    title: `${texts.title} · ${visit.realmName}`,
    content: html`<h1>${texts.title}</h1>
<p>${visit.texts.login.confirm.signedInAs(person)}</p>
${notice && html`<p class="done" role="status">${texts.done[notice]}</p>`}${renderStale(visit, isRefused)}${renderLocked(visit, account, isRefused)}
<h2>${texts.sessions.heading}</h2>
${renderSessions(visit, account.sessions)}
<h2>${texts.passkeys.heading}</h2>
${renderPasskeys(visit, account)}
<h2>${texts.applications.heading}</h2>
${renderApplications(visit, account)}`,
  };
}

/** Says that nobody is signed in here, and how to. */
export function nobodyPage(place: AccountPlace, notice: AccountNotice | undefined): Page {
  const { account: texts } = place.texts;
  return {
    ...place.surroundings,
    application: { name: place.realmName, realm: texts.title },
    status: notice === "signedOut" ? 200 : REFUSED_STATUS,
    title: `${texts.nobody.title} · ${place.realmName}`,
    content: html`<h1>${texts.nobody.title}</h1>
${notice === "signedOut" ? html`<p class="done" role="status">${texts.done.signedOut}</p>` : undefined}
<p>${place.methods.length === 0 ? texts.nobody.advice(place.realmName) : texts.nobody.intro}</p>
${signInForm(place, { label: texts.nobody.signIn, isMain: true, byPasskey: false })}`,
  };
}

function renderStale(visit: AccountVisit, isRefused: boolean): Html | undefined {
  if (visit.isRecent) return undefined;
  const { here, elsewhere, signIn } = visit.texts.account.stale;
  return html`${renderWhyNot(visit.methods.length === 0 ? elsewhere : here, isRefused)}
${signInForm(visit, { label: signIn, isMain: false, byPasskey: false })}`;
}

function renderLocked(visit: AccountVisit, { passkeys, takesPasskeys }: Account, isRefused: boolean): Html | undefined {
  if (!visit.isRecent || mayChangePasskeys(visit, passkeys)) return undefined;
  const { locked, signIn } = visit.texts.account.passkeys;
  return html`${renderWhyNot(locked(visit.realmName), isRefused)}
${takesPasskeys ? signInForm(visit, { label: signIn, isMain: false, byPasskey: true }) : undefined}`;
}

function renderWhyNot(text: string, isRefused: boolean): Html {
  return isRefused ? html`<p class="wrong" role="alert">${text}</p>` : html`<p class="hint">${text}</p>`;
}

function renderSessions(visit: AccountVisit, sessions: readonly Session[]): Html {
  const { sessions: texts } = visit.texts.account;
  const [, ...others] = sessions;
  return html`<ul class="items">${sessions.map((session) => renderSession(visit, session))}
</ul>
${
  others.length === 0 || !visit.isRecent
    ? undefined
    : html`${openForm(visit)}
<button class="other" name="action" value="end_others">${texts.endOthers}</button>
</form>`
}`;
}

function renderSession(visit: AccountVisit, session: Session): Html {
  const { sessions: texts } = visit.texts.account;
  const isThis = session.key.sessionId === visit.session.key.sessionId;
  const how = session.amr.includes("otp") ? texts.byCode : texts.byPasskey;
  const kind = session.browser && visit.texts.mail.browserOn(session.browser.browser, session.browser.system);
  const name = isThis ? texts.thisBrowser : (kind ?? texts.otherBrowser);
  return html`
<li><div><strong>${name}</strong>${isThis && kind ? html` <small>${kind}</small>` : undefined}
<small>${how(ago(visit, session.authTime))}</small>
<small>${texts.seen(ago(visit, session.seenAt))}</small></div>
${isThis ? button(visit, { action: "sign_out", label: texts.signOut, about: name }) : undefined}${
  isThis || !visit.isRecent
    ? undefined
    : button(visit, {
        ...{ action: "end_session", label: texts.end, about: name },
        id: { name: "session_id", value: session.key.sessionId },
      })
}</li>`;
}

function renderPasskeys(visit: AccountVisit, { passkeys, takesPasskeys }: Account): Html {
  const { passkeys: texts } = visit.texts.account;
  const isOpen = mayChangePasskeys(visit, passkeys);
  const list = html`<ul class="items">${passkeys.map((passkey) => renderPasskey(visit, passkey, isOpen))}
</ul>`;
  return html`${passkeys.length === 0 ? html`<p>${texts.none}</p>` : list}
${
  !takesPasskeys || !isOpen
    ? undefined
    : html`${openForm(visit)}
<button class="other" name="action" value="add_passkey">${texts.add.start}</button>
</form>`
}`;
}

function renderPasskey(visit: AccountVisit, passkey: Credential, isOpen: boolean): Html {
  const { key, displayName, createdAtMs, lastUsedAtMs } = passkey;
  const { passkeys: texts } = visit.texts.account;
  // In real time, whatever the tenant's clock says.
  const nowMs = visit.services.deps.clock.nowMs();
  const id = { name: "credential_id", value: key.credentialId };
  const actions = [
    { action: "rename_passkey", label: texts.rename.start },
    { action: "remove_passkey", label: texts.remove },
  ];
  const since = (atMs: number) => timeAgo(Math.floor((nowMs - atMs) / MS_PER_SECOND), visit.texts.language);
  return html`
<li><div><strong>${displayName}</strong>
<small>${texts.made(since(createdAtMs))}</small>
<small>${lastUsedAtMs === undefined ? texts.neverUsed : texts.used(since(lastUsedAtMs))}</small></div>
${isOpen ? buttons(visit, { about: displayName, id }, actions) : undefined}</li>`;
}
