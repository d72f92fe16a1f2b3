import { PASSKEY_SCRIPT } from "../../http/browser-scripts.ts";
import { html } from "../../http/html.ts";
import type { Page } from "../../http/pages.ts";
import { creationFields } from "../passkey/creation-fields.ts";
import type { PasskeyProblem } from "../passkey/make.ts";
import type { beginRegistration } from "../passkey/register.ts";
import { accountAddress } from "./address.ts";
import { openForm } from "./form.ts";
import type { AccountVisit } from "./visit.ts";

const REFUSED_STATUS = 400;

/** What the page shows besides the way back. */
interface Asked {
  /** undefined where none can be made any more */
  readonly creation: Awaited<ReturnType<typeof beginRegistration>> | undefined;
  readonly problem: PasskeyProblem | undefined;
}

/** Makes another passkey. */
export function addPasskeyPage(visit: AccountVisit, { creation, problem }: Asked): Page {
  const { passkey, account } = visit.texts;
  const { add } = account.passkeys;
  return {
    ...visit.surroundings,
    status: problem === undefined ? 200 : REFUSED_STATUS,
    title: `${add.title} · ${visit.realmName}`,
    script: PASSKEY_SCRIPT,
    content: html`<h1>${add.title}</h1>
<p>${add.intro}</p>
${openForm(visit)}
${problem && html`<p class="wrong" role="alert">${passkey.problem[problem]}</p>`}
${creationFields(visit.texts, creation)}
<p class="hint" data-passkey-missing>${passkey.missing}</p>
</form>
<p class="back"><a href="${accountAddress(visit)}">${add.back}</a></p>`,
  };
}
