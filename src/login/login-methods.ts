import { isAnyAcrReachable, reachableAcrs } from "../protocol/acr.ts";
import type { AuthenticationMethod } from "../protocol/webauthn/passkey-methods.ts";
import type { StoredClaims } from "../resources/authorization-request/schema.ts";

/**
 * The methods that may end a login: those of the application's authenticator config, of which a request that takes certain classes only
 * (OIDC Core §5.5.1.1) leaves those that reach one.
 */
export function usableMethods(
  methods: readonly AuthenticationMethod[],
  { acrValues, acrIsEssential }: Pick<StoredClaims, "acrValues" | "acrIsEssential">,
): readonly AuthenticationMethod[] {
  if (!acrIsEssential) return methods;
  return methods.filter((method) => isAnyAcrReachable(acrValues, reachableAcrs([method])));
}
