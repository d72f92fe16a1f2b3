import { DEFAULT_LANGUAGE } from "../protocol/language.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { errorPageReply, type PageFailure, prefersJson, replyWithErrorPage } from "./pages.ts";
import type { HttpReply } from "./route.ts";
import { textsIn } from "./texts/index.ts";

/** Why a link that binds a credential leads nowhere. */
export type BindingOver = "unknown" | "over";

const STATUS: Readonly<Record<BindingOver, number>> = { unknown: 404, over: 410 };

/** The page for a link that binds nothing: of every link without a true token it says the same. */
export function bindingOverReply(over: BindingOver, failure: PageFailure): HttpReply {
  const status = STATUS[over];
  if (prefersJson(failure.accept)) {
    const { heading } = textsIn(DEFAULT_LANGUAGE).error.bindingLink[over]; // programs are told in English
    return replyWithErrorPage(new OAuthError("invalid_request", heading, { status }), failure);
  }
  const { traceId, language, theme, isTestTenant = false } = failure;
  return errorPageReply({
    status,
    language,
    ...textsIn(language).error.bindingLink[over],
    traceId,
    theme,
    isTestTenant,
  });
}
