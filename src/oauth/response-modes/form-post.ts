import { FORM_POST_SCRIPT } from "../../http/browser-scripts.ts";
import { type Html, html } from "../../http/html.ts";
import { pageReply } from "../../http/pages.ts";
import { type Texts, textsIn } from "../../http/texts/index.ts";
import type { ResponseMode } from "./response-mode.ts";

/** As a form that the browser posts (OAuth 2.0 Form Post Response Mode §2): by our script, or by the button without one (rule 18). */
export const formPost: ResponseMode = {
  name: "form_post",
  reply: async ({ redirectUri, parameters, setCookies, findSurroundings }) => {
    const surroundings = await findSurroundings();
    const { sentBack } = textsIn(surroundings.language).login;
    return pageReply({
      ...surroundings,
      status: 200,
      title: sentBack.title,
      endsAt: [redirectUri],
      script: FORM_POST_SCRIPT,
      setCookies,
      content: html`<h1>${sentBack.heading}</h1>
<div id="sending">
<p>${sentBack.intro}</p>
<form id="answer" method="post" action="${redirectUri}">${Object.entries(parameters).map(([name, value]) =>
        value === undefined
          ? html``
          : html`
<input type="hidden" name="${name}" value="${value}">`,
      )}
<button class="main">${sentBack.goOn}</button>
</form>
</div>${renderReceived(redirectUri, sentBack)}`,
    });
  },
};

/** What our script shows when the client has its answer and a browser does not follow where it leads (decision 0032). */
function renderReceived(redirectUri: string, { received, openClient }: Texts["login"]["sentBack"]): Html | undefined {
  const { origin, host } = new URL(redirectUri);
  if (origin === "null") return undefined;
  return html`
<div id="received" role="status" hidden>
<p>${received}</p>
<p class="go"><a href="${origin}/">${openClient(host)}</a></p>
</div>`;
}
