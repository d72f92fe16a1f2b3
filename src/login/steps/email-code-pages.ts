import { type Html, html, type Page } from "../../http/pages.ts";
import { CODE_LIFETIME_SECONDS } from "../one-time-code.ts";
import type { Visit } from "../visit.ts";
import { CANCEL, loginPage, openForm } from "./login-page.ts";
import type { Notice } from "./step.ts";

const MINUTES = CODE_LIFETIME_SECONDS / 60;
const REFUSED_STATUS = 400;

/** Asks for the address. */
export function addressPage(
  visit: Visit,
  shown: { readonly typed: string | undefined; readonly isWrong?: boolean },
): Page {
  const isWrong = shown.isWrong ?? false;
  return loginPage(visit, {
    status: isWrong ? REFUSED_STATUS : 200,
    title: "Sign in",
    content: html`<h1>Sign in</h1>
<p>We will mail you a code. No password needed.</p>
${openForm(visit)}
${isWrong ? problem("Enter your email address, such as name@example.com.") : undefined}
<label for="email">Email address</label>
<input id="email" name="email" type="email" autocomplete="email" inputmode="email" autocapitalize="none" spellcheck="false"
 maxlength="254" required autofocus value="${shown.typed ?? ""}"${describedBy(isWrong)}>
<button class="main" name="action" value="send">Email me a code</button>
${CANCEL}
</form>`,
  });
}

/** Asks for the code. It says the same of every address. */
export function codePage(
  visit: Visit,
  shown: { readonly problem?: "wrong" | "incomplete"; readonly notice?: Notice },
): Page {
  const isWrong = shown.problem !== undefined;
  return loginPage(visit, {
    status: isWrong ? REFUSED_STATUS : 200,
    title: "Enter your code",
    content: html`<h1>Check your email</h1>
<p>If <strong>${visit.stored.emailKey}</strong> can sign in here, a 6-digit code is on its way. It works for ${MINUTES} minutes, in
this browser only.</p>
${openForm(visit)}
${shown.notice === "code_sent_again" ? NEW_CODE : undefined}${problemOf(shown.problem)}
<label for="code">Code</label>
<input class="code" id="code" name="code" type="text" autocomplete="one-time-code" inputmode="numeric" pattern="[0-9 \\-]{6,11}"
 maxlength="11" title="6 digits" required autofocus${describedBy(isWrong)}>
<button class="main" name="action" value="verify">Sign in</button>
<div class="more"><button name="action" value="send_again" formnovalidate>Send a new code</button>
<button name="action" value="other_address" formnovalidate>Use another address</button></div>
<p class="hint">Nothing there after a minute? Look in the spam folder. Only a few codes are sent in an hour.</p>
${CANCEL}
</form>`,
  });
}

/** Says that no further code is looked at in this login. */
export function triesSpentPage(visit: Visit): Page {
  return loginPage(visit, {
    status: REFUSED_STATUS,
    title: "Too many wrong codes",
    content: html`<h1>Too many wrong codes</h1>
<p role="alert">For your safety this sign-in has ended. Start again from <strong>${visit.context.client.displayName}</strong>; you
will get a new code.</p>
${openForm(visit)}
<button class="main" name="action" value="cancel">Back to ${visit.context.client.displayName}</button>
</form>`,
  });
}

const NEW_CODE = html`<p class="done" role="status">Asked for a new code. Only the newest one works.</p>
`;

function problemOf(kind: "wrong" | "incomplete" | undefined): Html | undefined {
  if (kind === undefined) return undefined;
  return problem(
    kind === "wrong"
      ? "That code does not work. Use the one from the newest mail, or send a new one."
      : "Enter the 6 digits of the code.",
  );
}

function problem(text: string): Html {
  return html`<p class="wrong" id="problem" role="alert">${text}</p>
`;
}

function describedBy(isWrong: boolean): Html | undefined {
  return isWrong ? html` aria-invalid="true" aria-describedby="problem"` : undefined;
}
