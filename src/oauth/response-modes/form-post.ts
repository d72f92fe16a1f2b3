import { html } from "../../http/html.ts";
import { pageReply } from "../../http/pages.ts";
import type { Route } from "../../http/route.ts";
import { textsIn } from "../../http/texts/index.ts";
import type { ResponseMode } from "./response-mode.ts";

const SCRIPT_PATH = "/authenticator/form-post.js";
const SCRIPT = 'document.getElementById("answer").submit();\n';
const SCRIPT_MAX_AGE_SECONDS = 86_400;

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
      script: SCRIPT_PATH,
      setCookies,
      content: html`<h1>${sentBack.heading}</h1>
<p>${sentBack.intro}</p>
<form id="answer" method="post" action="${redirectUri}">${Object.entries(parameters).map(([name, value]) =>
        value === undefined
          ? html``
          : html`
<input type="hidden" name="${name}" value="${value}">`,
      )}
<button class="main">${sentBack.goOn}</button>
</form>`,
    });
  },
};

/** The one script of these pages: nothing inline runs under their policy. */
export const formPostScript: Route = {
  name: "formPostScript",
  method: "GET",
  path: SCRIPT_PATH,
  kind: "public",
  handle: async () => ({
    status: 200,
    headers: {
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": `public, max-age=${SCRIPT_MAX_AGE_SECONDS}`,
    },
    body: SCRIPT,
  }),
};
