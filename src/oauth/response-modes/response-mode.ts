import type { PageSurroundings } from "../../http/pages.ts";
import type { HttpReply } from "../../http/route.ts";

/** What goes back to a client, and where. */
export interface AuthorizationResponse {
  /** as presented, and registered */
  readonly redirectUri: string;
  /** `code`, `state`, `iss` or `error`, `error_description`, `state`, `iss` and nothing else (rule 18); absent ones are left out */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly setCookies: readonly string[];
  /** whether this answers a navigation that a form of ours began, which should end here (decision 0032) */
  readonly isAfterForm: boolean;
  /** Finds what is around the page, where there is one. */
  readonly findSurroundings: () => Promise<PageSurroundings>;
}

/** One way of returning an authorization response (OAuth 2.0 Multiple Response Type Encoding Practices §2.1). */
export interface ResponseMode {
  /** as `response_mode` and discovery name it */
  readonly name: string;
  reply(response: AuthorizationResponse): Promise<HttpReply>;
}
