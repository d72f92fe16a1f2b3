import assert from "node:assert/strict";
import type { Queryable } from "../../src/database/database.ts";
import { sha256 } from "../../src/platform/hash.ts";
import { type RealmKey, realmPath } from "../../src/protocol/client-metadata.ts";
import { formatLinkToken } from "../../src/protocol/opaque-token.ts";
import * as requests from "../../src/resources/authorization-request/queries.ts";
import { spendPasskeyBinding } from "../../src/resources/passkey-binding/queries.ts";
import {
  act,
  authenticatorOf,
  beginEmbedded,
  bindByLink,
  type EmbeddedWorld,
  embeddedWorld,
  exchangeBindingToken,
  linkOf,
  logInByCode,
  makeLink,
  postJson,
  requestOf,
  transactionOf,
} from "./embedded-login.ts";
import type { Answer } from "./http.ts";
import type { Attack } from "./tenancy-routes.ts";
import { TEST_CODE } from "./test-browser.ts";
import type { TestTenant } from "./test-tenant.ts";

/** An application with login pages of its own, in use. */
export interface UsedEmbedded {
  readonly world: EmbeddedWorld;
  /** of the page of a login that is open */
  readonly url: string;
  /** of one that is over and was not answered to its client */
  readonly finishedId: string;
  /** of a person who has used it once, by another */
  readonly link: string;
  /** by which its person may bind a passkey */
  readonly bindingToken: string;
}

/** A login that is open, one that is over, a passkey that was bound by a link, and a link that was not used. */
export async function useEmbedded(tenant: TestTenant): Promise<UsedEmbedded> {
  const world = await embeddedWorld({ tenant, invocation: "manual" });
  const { url } = await beginEmbedded(world);
  const finished = await beginEmbedded(world);
  const answer = await logInByCode(world, finished);
  assert.equal(answer.status, 200, answer.text);
  const bindingToken = String(answer.json?.passkey_binding_token);
  const finishedId = transactionOf(requestOf(finished.url));
  const spent = await logInByCode(world, await beginEmbedded(world));
  const exchanged = await exchangeBindingToken(world, spent.json?.passkey_binding_token);
  await bindByLink(world, String(exchanged.json?.credential_binding_link));
  return { world, url, finishedId, link: await makeLink(world), bindingToken };
}

/** The statements of such logins, as the next step would send them. */
export async function noteEmbedded(used: UsedEmbedded, note: Queryable, db: Queryable) {
  const { world, url, finishedId, bindingToken } = used;
  const { realm } = world.tenant;
  const open = await requests.findAuthorizationRequest(db, { ...realm, id: transactionOf(requestOf(url)) });
  const finished = await requests.findAuthorizationRequest(db, { ...realm, id: finishedId });
  assert.ok(open?.embedded && finished?.embedded?.completionHash);
  const { createdAt: now, embedded } = open;
  await requests.moveEmbeddedLogin(note, open, { from: embedded.stepHash, to: { ...embedded, stepHash: "x" }, now });
  const { completionHash } = finished.embedded;
  await requests.claimAuthorizationRequest(note, finished, { completionHash, browserHash: sha256("another"), now });
  const hash = sha256(bindingToken).toString("base64url");
  await spendPasskeyBinding(note, { ...world.application.key, requestId: finishedId, hash }, now);
}

type EmbeddedAttack = (attack: Attack) => Promise<readonly Answer[]>;

/** What another tenant sends to what an application's own pages call: requests and links are worth something in their realm alone. */
export const EMBEDDED_ATTACKS: Readonly<Record<string, EmbeddedAttack>> = {
  "POST authenticationContext": async ({ used, stranger }) => {
    const at = (tenant: TestTenant) => `${authenticatorOf({ tenant })}/authentication-context`;
    const [theirs, own] = [requestOf(used.embedded.url), await requestOfStranger({ used, stranger })];
    return [
      refused(await postJson(at(stranger.flow.tenant), { request: theirs })),
      refused(await postJson(at(used.tenant), { request: own })),
    ];
  },
  "POST assertionOptions": (attack) => atTransaction(attack, { action: "/assertion-options" }),
  "POST assertion": (attack) => atTransaction(attack, { action: ":assertion", credential: {} }),
  "POST sendCode": (attack) => atTransaction(attack, { action: ":send-code", email: attack.used.embedded.world.email }),
  "POST redeemCode": (attack) => atTransaction(attack, { action: ":redeem-code", code: TEST_CODE }),
  "POST exchangeBindingToken": async ({ used, stranger }) => {
    const answers = [
      await exchangeBindingToken(stranger.flow, used.embedded.bindingToken, {}),
      await exchangeBindingToken(used.flow, used.embedded.bindingToken, {}),
      await exchangeBindingToken(used.embedded.world, stranger.tokens.access),
      await exchangeBindingToken(used.embedded.world, stranger.managementToken),
    ];
    return answers.map((answer) => refused(answer, 401));
  },
  "POST beginBinding": (attack) => atLink(attack, ":beginBinding", {}),
  "POST finishBinding": (attack) => atLink(attack, ":finishBinding", { credential: {} }),
};

async function requestOfStranger({ stranger }: Attack): Promise<string> {
  const world = await embeddedWorld({ tenant: stranger.flow.tenant });
  return requestOf((await beginEmbedded(world)).url);
}

async function atTransaction(
  attack: Attack,
  { action, ...members }: Readonly<Record<string, unknown>> & { readonly action: string },
): Promise<readonly Answer[]> {
  const { used, stranger } = attack;
  const theirs = requestOf(used.embedded.url);
  const own = await requestOfStranger(attack);
  const there = `${authenticatorOf(used)}/transactions/${transactionOf(theirs)}${action}`;
  return [
    refused(await act({ tenant: stranger.flow.tenant }, used.embedded.url, { action, ...members })),
    refused(await postJson(there, { request: own, ...members })),
  ];
}

async function atLink({ used, stranger }: Attack, action: string, members: object): Promise<readonly Answer[]> {
  const { endpoint, token } = linkOf(used, used.embedded.link);
  const moved = (realm: RealmKey) => endpoint.replace(realmPath(used.tenant.realm), realmPath(realm));
  const other = formatLinkToken(Buffer.alloc(32));
  return [
    refused(await postJson(moved(stranger.flow.tenant.realm) + action, { token, ...members }), 404),
    refused(await postJson(endpoint + action, { token: other, ...members }), 404),
  ];
}

function refused(answer: Answer, status = 400): Answer {
  assert.equal(answer.status, status, answer.text);
  return answer;
}
