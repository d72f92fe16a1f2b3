// The one error of the protocol. It has two readers: the decision record, which gets the whole truth (`detail`, `facts`),
// and the wire, which gets `publicDescription` and never learns two causes that an attacker must not tell apart (rule 23).

const DEFAULT_STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  access_denied: 400,
  login_required: 400,
  interaction_required: 400,
  consent_required: 400,
  account_selection_required: 400,
  unmet_authentication_requirements: 400,
  unsupported_response_type: 400,
  server_error: 500,
  temporarily_unavailable: 503,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  registration_not_supported: 400,
  invalid_token: 401,
  insufficient_scope: 403,
} as const;

/** The `error` values this server answers: RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 6750 §3.1, RFC 8693 §2.2.2. */
export type OAuthErrorCode = keyof typeof DEFAULT_STATUS;

/** What the wire says of an `invalid_grant`, whatever its cause (rule 23). */
export const INVALID_GRANT_DESCRIPTION =
  "The authorization grant is invalid, expired, revoked, already used, or was issued to another client.";

/** What the wire says of an `invalid_client`, whatever its cause (rule 23). */
export const INVALID_CLIENT_DESCRIPTION = "Client authentication failed.";

/** What the wire says of an `access_denied`, whatever its cause: an account's state is nobody's business but its administrator's. */
const ACCESS_DENIED_DESCRIPTION = "The login did not succeed or was cancelled.";

/** Longest `error_description`, in characters. */
export const PUBLIC_DESCRIPTION_LENGTH_MAX = 400;

/** What `quoteValue` says in place of a value that may not be repeated. */
export const UNQUOTED_VALUE = "the value sent";

/** What an error may carry besides its code and detail. */
export interface OAuthErrorOptions {
  /** HTTP status, where it is not the usual one of the code. */
  readonly status?: number | undefined;
  /** Seconds for `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
  /** The error that led to this one; for the log only. */
  readonly cause?: unknown;
  /** What the decision records besides the detail; never a secret or a token (mayfly.md §5). */
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

/** A request refused by the rules of OAuth or OpenID Connect. `detail` is for the decision; the wire shows `publicDescription`. */
export class OAuthError extends Error {
  readonly code: OAuthErrorCode;
  readonly detail: string;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: OAuthErrorCode, detail: string, options: OAuthErrorOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OAuthError";
    this.code = code;
    this.detail = detail;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.facts = options.facts ?? {};
  }
}

/**
 * The `error_description` for the wire.
 * @returns one fixed sentence for `invalid_grant`, `invalid_client` (rule 23) and `access_denied` each, the sanitised detail of every other error
 */
export function publicDescription(error: OAuthError): string {
  if (error.code === "invalid_grant") return INVALID_GRANT_DESCRIPTION;
  if (error.code === "invalid_client") return INVALID_CLIENT_DESCRIPTION;
  if (error.code === "access_denied") return ACCESS_DENIED_DESCRIPTION;
  return sanitizeDescription(error.detail);
}

/**
 * The HTTP status of an error: its own, or the usual one of its code.
 * RFC 6749 §5.2, RFC 6750 §3.1; 503 for overload (rule 38).
 */
export function statusOf(error: OAuthError): number {
  return error.status ?? DEFAULT_STATUS[error.code];
}

/**
 * A value from a client as a description may repeat it: as sent if it is a plain integer, otherwise a neutral phrase,
 * so that no error page or log can be made to speak an attacker's words (rule 23).
 */
export function quoteValue(value: string): string {
  return /^-?[0-9]{1,20}$/.test(value) ? value : UNQUOTED_VALUE;
}

// RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E, so neither quotes, backslashes, control characters nor anything beyond ASCII.
function sanitizeDescription(detail: string): string {
  const text = detail
    .replaceAll('"', "'")
    .replaceAll(/[\t\n\r]+/g, " ")
    .replaceAll(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/gu, "?");
  if (text.length <= PUBLIC_DESCRIPTION_LENGTH_MAX) return text;
  return `${text.slice(0, PUBLIC_DESCRIPTION_LENGTH_MAX - 3)}...`;
}
