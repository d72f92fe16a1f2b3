/** Why a mail could not be sent, as a class: a server's own words name the address. */
export type MailFailureReason =
  | "refused_by_server"
  | "invalid_mail"
  | "deferred_by_server"
  | "login_refused"
  | "timeout"
  | "unreachable";

/** What a mail that could not be sent is to its sender. */
export interface MailFailure {
  readonly reason: MailFailureReason;
  /** it would be refused again, however often it is tried */
  readonly isFinal: boolean;
}

/** RFC 4954 §6: authentication required. That is for the operator to put right, and no fault of the mail. */
const AUTHENTICATION_REQUIRED = 530;
const BAD_SEQUENCE = 503;

/** Judges what a mail transport threw. */
export function judgeMailError(error: unknown): MailFailure {
  if (error instanceof RangeError) return { reason: "invalid_mail", isFinal: true };
  const { code, responseCode } = readError(error);
  if (code === "EAUTH" || responseCode === AUTHENTICATION_REQUIRED) return { reason: "login_refused", isFinal: false };
  if (code === "ETIMEDOUT" || code === "EABORT") return { reason: "timeout", isFinal: false };
  const isAboutTheMail = code === "EENVELOPE" || code === "EMESSAGE";
  if (!isAboutTheMail)
    return { reason: responseCode === undefined ? "unreachable" : "deferred_by_server", isFinal: false };
  if (responseCode === undefined) return { reason: "invalid_mail", isFinal: true };
  // RFC 5321 §4.2.1: 4yz may pass when it is tried again, 5yz is final, but for one that complains of the order of commands.
  const isFinal = responseCode >= 500 && responseCode !== BAD_SEQUENCE;
  return { reason: isFinal ? "refused_by_server" : "deferred_by_server", isFinal };
}

function readError(error: unknown): { readonly code: string | undefined; readonly responseCode: number | undefined } {
  if (!(error instanceof Error)) return { code: undefined, responseCode: undefined };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const responseCode =
    "responseCode" in error && typeof error.responseCode === "number" ? error.responseCode : undefined;
  return { code, responseCode };
}
