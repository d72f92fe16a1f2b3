import { ManagementError } from "../http/management-error.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import { equalBytes, sha256 } from "../platform/hash.ts";

/** Whatever its file says: 43 characters and more. */
const BEARER = /^Bearer +(\S+) *$/i;

/** Lets a request to an operator route pass, or throws. */
export type OperatorCheck = (request: HttpRequest) => void;

/**
 * The door of the operator routes: one credential of the server itself (rule 27), never a tenant's token.
 *
 * @param token undefined: there is no operator, and no such route
 * @returns a check that throws ManagementError 404 where there is no operator, 401 for another credential
 */
export function createOperatorCheck(token: string | undefined): OperatorCheck {
  if (token === undefined) {
    return () => {
      throw new ManagementError("not_found", "no such path");
    };
  }
  const expected = sha256(token);
  return (request) => {
    const presented = BEARER.exec(headerOf(request, "authorization") ?? "")?.[1];
    // Hashes are compared: neither the length nor a beginning of the token shows in the time that it takes.
    if (presented !== undefined && equalBytes(sha256(presented), expected)) return;
    const challenge = presented === undefined ? "" : ' error="invalid_token"';
    throw new ManagementError("unauthorized", "unauthorized", {
      headers: { "www-authenticate": `Bearer${challenge}` },
    });
  };
}
