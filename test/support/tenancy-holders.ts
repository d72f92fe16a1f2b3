import assert from "node:assert/strict";
import { type Answer, postForm } from "./http.ts";
import { assertInvalidClient, assertRefused } from "./refusals.ts";
import type { Attack, Stranger } from "./tenancy-routes.ts";

/** What is done with tokens by whoever holds them or would get them, tried by a stranger. */
export const HOLDER_ATTACKS = {
  "POST previewToken": async ({ used, stranger }: Attack) => {
    const form = { grant_type: "authorization_code", subject: used.flow.identityId };
    const there = `${used.flow.application.issuer}/tokens:preview`;
    const foreign = await postForm(there, form, basicOf(stranger));
    const bearer = await postForm(there, form, bearerOf(stranger.managementToken));
    const own = await postForm(`${stranger.flow.application.issuer}/tokens:preview`, form, basicOf(stranger));
    assertInvalidClient(foreign);
    assertRefused(bearer, 401, "invalid_token");
    assert.deepEqual([own.status, own.json?.granted, own.json?.error], [200, false, "invalid_grant"], own.text);
    return [foreign, bearer, own];
  },
  "POST revoke": (attack: Attack) => endAsHolder(attack, "revoke"),
  "POST shorten": (attack: Attack) => endAsHolder(attack, "shorten"),
};

/** Ends or shortens tokens that are somebody else's, at their place and at one's own. */
async function endAsHolder({ used, stranger }: Attack, route: "revoke" | "shorten"): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const token of [used.access, used.refresh, used.jobToken]) {
    const form = { token, expiration_time: "1" };
    const url = `${used.flow.application.issuer}/${route}`;
    const foreign = await postForm(url, form, basicOf(stranger));
    const bearer = await postForm(url, form, bearerOf(stranger.managementToken));
    const own = await postForm(`${stranger.flow.application.issuer}/${route}`, form, basicOf(stranger));
    assertInvalidClient(foreign);
    assertRefused(bearer, 401, "invalid_token");
    assert.deepEqual([own.status, own.text], [200, ""]); // RFC 7009 §2.2
    answers.push(foreign, bearer, own);
  }
  return answers;
}

/** The credentials of the stranger's application, as headers. */
export function basicOf({ flow }: Stranger): Record<string, string> {
  return { authorization: flow.application.authorization };
}

/** A bearer token, as headers. */
export function bearerOf(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}
