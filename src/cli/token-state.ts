import { parseOpaqueToken, parseRefreshToken } from "../protocol/opaque-token.ts";
import { decodeId } from "../protocol/token-id.ts";
import { NOT_YET } from "../protocol/token-state.ts";
import { applicationPathOf } from "./command.ts";
import { listOf, numberOf, objectOf, textOf } from "./json.ts";
import { createManagementClient, RefusedCall } from "./management-client.ts";
import type { Profile } from "./profile.ts";
import { RefusedScope } from "./token-client.ts";
import { readClaims, type TokenPlace } from "./token-place.ts";

/** What an application knows of a token. */
export type TokenState =
  | { readonly kind: "alive" }
  /** it is not valid yet, and will be */
  | { readonly kind: "later" }
  | DeadToken
  /** it has none with this id */
  | { readonly kind: "none" }
  /** the profile may not read it */
  | { readonly kind: "unseen" };

/** What an application knows of a token that will never be alive again. */
export interface DeadToken {
  readonly kind: "dead";
  /** why, in the server's words */
  readonly cause: string;
  /** when it ends in any case, and what descends from it, in seconds of its tenant */
  readonly expires: number;
  /** the tenant's time, where it is known */
  readonly now: number | undefined;
}

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
  const client = createManagementClient(profile);
  try {
    const answer = await client.call({ method: "GET", path, scopes: ["tokens:read"] });
    const found = listOf(answer, "tokens").find((one) => textOf(one, "id") === id);
    return found === undefined ? { kind: "none" } : stateOf(found, client.tenantNow());
  } catch (error) {
    if (error instanceof RefusedScope) return { kind: "unseen" };
    if (!(error instanceof RefusedCall)) throw error;
    if (error.status === 404) return { kind: "none" };
    if (error.status === 403) return { kind: "unseen" };
    throw error;
  }
}

function stateOf(token: unknown, now: number | undefined): TokenState {
  if (objectOf(token).alive === true) return { kind: "alive" };
  const cause = textOf(token, "cause") ?? "";
  if (cause === NOT_YET) return { kind: "later" };
  return { kind: "dead", cause, expires: numberOf(token, "expires") ?? 0, now };
}
