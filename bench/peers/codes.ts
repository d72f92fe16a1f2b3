import type { Provider } from "oidc-provider";
import { CODE_CHALLENGE, LOGIN_SCOPE, NONCE, REDIRECT_URI } from "../login.ts";
import { BENCH_SCOPE } from "../side.ts";

export const CODE_LIFETIME_SECONDS = 60;
const COUNT_MAX = 200_000;
const CONCURRENCY = 32;
const ACCOUNT_ID = "ann";

/** Saves grants and codes by oidc-provider's own models, as its authorization endpoint does after a login, and returns the codes. */
export async function makeCodes(
  provider: Provider,
  { clientId, resource }: { clientId: string; resource: string },
  count: number,
): Promise<string[]> {
  const client = await provider.Client.find(clientId);
  const codes: string[] = [];
  let left = Math.min(count, COUNT_MAX);
  const makeSome = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const grant = new provider.Grant({ accountId: ACCOUNT_ID, clientId });
      grant.addOIDCScope(LOGIN_SCOPE);
      grant.addResourceScope(resource, BENCH_SCOPE);
      const grantId = await grant.save();
      const code = new provider.AuthorizationCode({
        accountId: ACCOUNT_ID,
        client,
        grantId,
        resource,
        redirectUri: REDIRECT_URI,
        scope: LOGIN_SCOPE,
        nonce: NONCE,
        codeChallenge: CODE_CHALLENGE,
        codeChallengeMethod: "S256",
        authTime: Math.floor(Date.now() / 1000),
        amr: ["otp"],
        acr: "1",
      });
      codes.push(await code.save());
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, makeSome));
  return codes;
}
