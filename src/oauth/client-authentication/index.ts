import { equalBytes, sha256 } from "../../platform/hash.ts";
import type { ClientMetadata, Confidentiality } from "../../protocol/client-metadata.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import type { RequestParameters } from "../../protocol/parameters.ts";
import type { ClientSecrets, CurrentApplication } from "../../resources/application/queries.ts";
import type { Services } from "../services.ts";
import { clientSecretBasic } from "./client-secret-basic.ts";
import { clientSecretPost } from "./client-secret-post.ts";
import type { ClientAuthenticationMethod, PresentedClient } from "./method.ts";
import { none } from "./none.ts";

const METHODS: readonly ClientAuthenticationMethod[] = [clientSecretBasic, clientSecretPost, none];

/** The methods that an application of this confidentiality may use, as discovery names them. */
export function listClientAuthenticationMethods(confidentiality: Confidentiality): readonly string[] {
  return METHODS.filter((method) => method.confidentiality === confidentiality).map((method) => method.name);
}

/** The credentials of a request, before anything is known of the client. */
export interface ClientCredentialsSource {
  readonly authorization: string | undefined;
  readonly parameters: RequestParameters;
}

/**
 * Finds the one client that a request presents (RFC 6749 section 2.3, rule 15).
 *
 * @returns undefined when the request names no client at all
 * @throws OAuthError `invalid_request` for two secrets or two different clients, `invalid_client` for a header of another scheme
 */
export function presentedClient(source: ClientCredentialsSource): PresentedClient | undefined {
  const { authorization, parameters } = source;
  if (authorization !== undefined && !/^basic( |$)/i.test(authorization)) {
    // A header without a scheme may be a credential on its own: it is not recorded (rule 24).
    const facts = /^bearer( |$)/i.test(authorization) ? { scheme: "Bearer" } : {};
    throw new OAuthError("invalid_client", "the Authorization header has another scheme than Basic", { facts });
  }
  const presented = METHODS.flatMap((method) => method.present(authorization, parameters) ?? []);
  const [first, ...others] = presented;
  if (first === undefined) return undefined;
  // A header and a secret in the body are two ways, even if one of them is empty (rule 15).
  if (presented.filter((one) => one.method !== "none").length > 1) {
    throw new OAuthError("invalid_request", "the client authenticates in more than one way");
  }
  if (others.some((other) => other.clientId !== first.clientId)) {
    throw new OAuthError("invalid_request", "client_id differs from the authenticated client");
  }
  return presented.find((one) => one.clientSecret !== undefined) ?? first;
}

/**
 * Checks what was presented against the application of the path, in constant time. The wire tells none of the causes apart.
 *
 * @param secrets their hashes as the database has them at this moment (rule 7), and the second of tenant time that it is
 * @throws OAuthError `invalid_client`
 */
export function verifyClient(
  presented: PresentedClient | undefined,
  client: ClientMetadata,
  secrets: ClientSecrets & { readonly now: number },
): void {
  if (presented === undefined) throw new OAuthError("invalid_client", "the request does not name its client");
  const secretMatches = matchesSecret(sha256(presented.clientSecret ?? ""), secrets);
  if (presented.clientId !== client.clientId)
    throw new OAuthError("invalid_client", "client_id is not that of the application in the path");
  if (client.confidentiality === "public") {
    if (presented.clientSecret === undefined) return;
    throw new OAuthError("invalid_client", "a secret was sent for a public client");
  }
  if (presented.clientSecret === undefined)
    throw new OAuthError("invalid_client", "a confidential client sent no secret");
  if (!secretMatches) throw new OAuthError("invalid_client", "client_secret does not match");
}

/** What an application's client is judged by: its secrets, and the second of tenant time that it is. */
export function secretsOf({ deps }: Pick<Services, "deps">, { live }: CurrentApplication) {
  return { ...live, now: deps.clock.nowSeconds() + live.clockOffsetSeconds };
}

// A rotated secret is good until its end. Both are compared, whichever is presented.
function matchesSecret(
  hash: Buffer,
  { secretHash, previousSecret, now }: ClientSecrets & { readonly now: number },
): boolean {
  const isPresent = secretHash !== undefined && equalBytes(hash, secretHash);
  const isPrevious = previousSecret !== undefined && equalBytes(hash, previousSecret.hash);
  return isPresent || (isPrevious && now < previousSecret.validUntil);
}
