import { DEFAULT_LANGUAGE } from "../protocol/language.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { errorPageReply, type PageFailure, prefersJson, replyWithErrorPage } from "./pages.ts";
import type { HttpReply } from "./route.ts";
import { textsIn } from "./texts/index.ts";

/** Why a login cannot go on in this browser. */
export type LoginOver = "unknown" | "expired" | "answered" | "other_browser";

const STATUS: Readonly<Record<LoginOver, number>> = { unknown: 404, expired: 410, answered: 410, other_browser: 403 };

/** The page for a login that cannot go on, for /authorize and the login pages alike. */
export function loginOverReply(over: LoginOver, failure: PageFailure): HttpReply {
  const status = STATUS[over];
  if (prefersJson(failure.accept)) {
    const { heading } = textsIn(DEFAULT_LANGUAGE).error.login[over]; // programs are told in English
    return replyWithErrorPage(new OAuthError("invalid_request", heading, { status }), failure);
  }
  const { traceId, language, theme, isTestTenant = false } = failure;
  return errorPageReply({ status, language, ...textsIn(language).error.login[over], traceId, theme, isTestTenant });
}
