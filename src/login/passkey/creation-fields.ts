import { type Html, html } from "../../http/html.ts";
import type { Texts } from "../../http/texts/index.ts";
import type { creationOptions } from "../../protocol/webauthn/options.ts";

/** What of a page's form makes a passkey: the script shows it where the browser can, and sends the form as `create`. */
export function creationFields({ passkey }: Texts, creation: ReturnType<typeof creationOptions> | undefined): Html {
  return html`<div data-passkey-creation="${JSON.stringify(creation ?? null)}" hidden>
<button class="main" type="button" data-passkey-start autofocus>${passkey.create}</button>
<input type="hidden" name="credential" value="">
<button name="action" value="create" formnovalidate hidden></button>
</div>
<p class="wrong" role="alert" data-passkey-problem hidden>${passkey.notMade}</p>
<p class="wrong" role="alert" data-passkey-known hidden>${passkey.alreadyHere}</p>`;
}
