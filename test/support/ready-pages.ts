import { ServerBusy } from "../../src/http/errors.ts";
import { leadPageReply } from "../../src/http/lead-page.ts";
import { replyWithErrorPage } from "../../src/http/pages.ts";
import type { HttpReply } from "../../src/http/route.ts";
import { createLog } from "../../src/platform/log.ts";
import type { Language } from "../../src/protocol/language.ts";
import { OAuthError } from "../../src/protocol/oauth-error.ts";
import { pageThemeOf, THEME_DEFAULTS } from "../../src/resources/theme/rules.ts";
import type { ThemeSettings } from "../../src/resources/theme/schema.ts";
import type { Answer } from "./http.ts";

const WAIT_SECONDS = 42;

/** Pages that a server shows when it is not well, or to a browser only, as they would be sent. */
export function readyPages(language: Language, theme: Partial<ThemeSettings> = {}) {
  const look = { language, theme: pageThemeOf({ ...THEME_DEFAULTS, ...theme }), isTestTenant: true };
  const failure = { traceId: Buffer.alloc(16, 7), accept: "text/html", log: createLog("silent") };
  const fail = (error: Error, shown: Partial<typeof look> = look): Answer =>
    answerOf(replyWithErrorPage(error, { ...failure, language, ...shown }));
  const tooMany = new OAuthError("temporarily_unavailable", "too many logins are begun in this minute", {
    status: 429,
    retryAfterSeconds: WAIT_SECONDS,
  });
  const surroundings = { ...look, application: { name: "Schuhe", realm: "Kundschaft" } };
  return {
    busy: fail(new ServerBusy(), {}), // before anything of the request was looked at
    failed: fail(new Error("a bug")),
    tooMany: fail(tooMany),
    leading: answerOf(leadPageReply("https://client.example/callback?code=1", { surroundings, setCookies: [] })),
  };
}

/** As a browser gets it, but that it stays there. */
function answerOf({ status, headers = {}, body = "" }: HttpReply): Answer {
  const sent = Object.entries(headers).filter(([name]) => name !== "refresh");
  return {
    status,
    headers: new Headers(sent.map(([name, value]) => [name, String(value)])),
    text: String(body),
    json: undefined,
  };
}
