import { type ApplicationContext, issuerOf } from "../protocol/client-metadata.ts";
import type { Services } from "./services.ts";

/** What an ID token of ours says of whom it was for. */
export interface IdTokenHint {
  readonly subject: string;
  /** the client's own name of the session */
  readonly sessionId: string | undefined;
}

/**
 * Reads `id_token_hint`: an ID token that we made for this client, expired or not (OIDC Core §3.1.2.1, rule 12). It is known by its
 * signature and its `typ` (rule 34); nothing of it was recorded (settled 6).
 *
 * @returns undefined where it is none
 */
export async function readIdTokenHint(
  services: Services,
  context: ApplicationContext,
  hint: string,
): Promise<IdTokenHint | undefined> {
  const token = await services.keys.verifyJwt(context.key, hint);
  if (token === undefined || token.header.typ !== "JWT") return undefined;
  const { iss, aud, sub, sid } = token.payload;
  if (
    iss !== issuerOf(services.deps.config.publicUrl, context.key, context.client.issuerMode) ||
    aud !== context.client.clientId
  )
    return undefined;
  if (typeof sub !== "string") return undefined;
  return { subject: sub, sessionId: typeof sid === "string" ? sid : undefined };
}
