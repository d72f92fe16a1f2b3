import { OAuthError } from "../protocol/oauth-error.ts";
import { errorPageReply, type PageFailure, prefersJson, replyWithErrorPage } from "./pages.ts";
import type { HttpReply } from "./route.ts";

/** Why a login cannot go on in this browser. */
export type LoginOver = "unknown" | "expired" | "answered" | "other_browser";

interface Words {
  readonly status: number;
  readonly heading: string;
  readonly advice: string;
}

const BACK = "Go back to the application and start again there.";

const WORDS: Readonly<Record<LoginOver, Words>> = {
  unknown: { status: 404, heading: "This sign-in is not known", advice: `It may have ended some time ago. ${BACK}` },
  expired: {
    status: 410,
    heading: "This sign-in has expired",
    advice: `A sign-in must be finished within ten minutes. ${BACK}`,
  },
  answered: {
    status: 410,
    heading: "This sign-in is finished",
    advice: `It was completed or cancelled, so this page has nothing left to do. ${BACK}`,
  },
  other_browser: {
    status: 403,
    heading: "This sign-in belongs to another browser",
    advice: `It was started in another browser, or this one does not keep cookies. ${BACK}`,
  },
};

/** The page for a login that cannot go on, for /authorize and the login pages alike. */
export function loginOverReply(over: LoginOver, failure: PageFailure): HttpReply {
  const { status, heading, advice } = WORDS[over];
  if (prefersJson(failure.accept)) {
    return replyWithErrorPage(new OAuthError("invalid_request", heading, { status }), failure);
  }
  return errorPageReply({
    status,
    heading,
    advice,
    traceId: failure.traceId,
    isTestTenant: failure.isTestTenant ?? false,
  });
}
