import { parseOpaqueToken, parseRefreshToken } from "../protocol/opaque-token.ts";
import { decodeId } from "../protocol/token-id.ts";
import { applicationPathOf } from "./command.ts";
import { listOf, objectOf, textOf } from "./json.ts";
import { createManagementClient, RefusedCall } from "./management-client.ts";
import type { Profile } from "./profile.ts";
import { RefusedScope } from "./token-client.ts";
import { readClaims, type TokenPlace } from "./token-place.ts";

/** What an application knows of a token. */
export type TokenState =
  | { readonly kind: "alive" }
  /** `cause`: why, in the server's words */
  | { readonly kind: "dead"; readonly cause: string }
  /** it has none with this id */
  | { readonly kind: "none" }
  /** the profile may not read it */
  | { readonly kind: "unseen" };

/** The id of a token, by its own word: of a refresh token that of its family. */
export function tokenIdOf(token: string): string | undefined {
  const id = textOf(readClaims(token), "jti") ?? parseOpaqueToken(token)?.id ?? parseRefreshToken(token)?.id;
  return id !== undefined && decodeId(id) !== undefined ? id : undefined;
}

/** What an application knows of the token with an id, alive or dead: the trees that descend from tokens show both. */
export async function findState(
  profile: Profile,
  place: Pick<TokenPlace, "realm" | "application">,
  id: string | undefined,
): Promise<TokenState> {
  if (id === undefined) return { kind: "none" };
  const path = `${applicationPathOf(profile, place)}/tokens/${id}/tree?page_size=1`;
  try {
    const answer = await createManagementClient(profile).call({ method: "GET", path, scopes: ["tokens:read"] });
    const found = listOf(answer, "tokens").find((one) => textOf(one, "id") === id);
    if (found === undefined) return { kind: "none" };
    return objectOf(found).alive === true ? { kind: "alive" } : { kind: "dead", cause: textOf(found, "cause") ?? "" };
  } catch (error) {
    if (error instanceof RefusedScope) return { kind: "unseen" };
    if (!(error instanceof RefusedCall)) throw error;
    if (error.status === 404) return { kind: "none" };
    if (error.status === 403) return { kind: "unseen" };
    throw error;
  }
}
