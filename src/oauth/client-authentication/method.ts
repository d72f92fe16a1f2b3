import type { RequestParameters } from "../../protocol/parameters.ts";

/** Who a request says it is, and the proof it brings. */
export interface PresentedClient {
  readonly clientId: string;
  /** absent for a public client */
  readonly clientSecret: string | undefined;
  readonly method: string;
}

/** One way of authenticating a client (RFC 6749 section 2.3). */
export interface ClientAuthenticationMethod {
  /** as discovery names it */
  readonly name: string;
  readonly confidentiality: "confidential" | "public";
  /** What this method finds in a request, or undefined when it was not used. */
  present(authorization: string | undefined, parameters: RequestParameters): PresentedClient | undefined;
}
