import { DIRECTORY_PAGE_SIZES } from "../../http/list-query.ts";
import { fieldViolations, ManagementError, notFound } from "../../http/management-error.ts";
import { wrapped } from "../../http/operation.ts";
import { uuid } from "../../platform/random.ts";
import { MANAGEMENT_SCOPES } from "../../protocol/management-scopes.ts";
import { READ_ONLY, timesOf } from "../answer-parts.ts";
import { demandCover } from "../authority/rules.ts";
import { type Call, type Outcome, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { demandPowerOver } from "../demand-power.ts";
import { eventSourceOf } from "../event-source.ts";
import { lists } from "../list-operation.ts";
import { creates, reads, type WriteCall } from "../operations.ts";
import { findRealm } from "../realm/queries.ts";
import { findTenant } from "../tenant/queries.ts";
import {
  countRunningRevocations,
  countTokenRevocations,
  findMissingOfFilter,
  findTokenRevocation,
  insertTokenRevocation,
  listTokenRevocations,
  type RaisedFrom,
  raiseValidAfter,
  type TokenRevocation,
} from "./queries.ts";
import { AHEAD_MS_MAX, type AskedEnding, askedEnding, holderOf, RUNNING_MAX, receiptOf } from "./rules.ts";
import { type TokenFilter, TokenRevocationAnswer, TokenRevocationBody } from "./schema.ts";

const REVOCATIONS = "/v1/tenants/{tenant}/realms/{realm}/token-revocations";
const REVOCATION = `${REVOCATIONS}/{token_revocation}` as const;
const TAG = "Tokens";
const KIND = "TokenRevocation";
const RETRY_AFTER_SECONDS = 10;

/** Many tokens ended at once (issue 6). */
export const TOKEN_REVOCATION_OPERATIONS = [
  creates(
    {
      name: "CreateTokenRevocation",
      method: "POST",
      path: REVOCATIONS,
      tag: TAG,
      summary:
        "Revokes or shortens every token of a realm that a filter means: by application, person, group, key, scope, or all that was issued before an instant.",
      scopes: ["tokens:delete"],
      body: wrapped("token_revocation", TokenRevocationBody, READ_ONLY),
      answer: TokenRevocationAnswer,
      refusals: ["too_many_requests"],
      isCreate: true,
      event: { type: "TokenOperation", action: "CREATE", resource: KIND },
    },
    async (call) => {
      const { db, nowMs, deps, caller, request } = call;
      const tenant = await findTenant(db, caller.tenantId);
      const now = Math.floor(nowMs / 1_000) + (tenant?.clockOffsetSeconds ?? 0);
      const asked = demandValid(askedEnding(call.body.token_revocation, now));
      await demandPower(call, asked.filter);
      await demandKnown(call, asked.filter);
      await demandRoom(call);
      const raisedFrom = await raise(call, asked);
      const key = { ...realmOf(call), revocationId: uuid(deps.random) };
      const job = { ...asked, judgedAt: now, raisedFrom, source: eventSourceOf(deps.clock, request) };
      const beforeMs = nowMs + AHEAD_MS_MAX;
      const value = answerOf(await insertTokenRevocation(db, key, job, { nowMs, beforeMs }));
      const { action, filter, expires } = value;
      return { value, about: { id: key.revocationId, facts: { action, filter, expires } } };
    },
    { parameter: "token_revocation", show: showRevocation },
  ),
  lists(
    {
      name: "ListTokenRevocations",
      path: REVOCATIONS,
      tag: TAG,
      summary: "Lists what was asked for to end many tokens at once, in the last 90 days.",
      scopes: ["tokens:read"],
      plural: "token_revocations",
      item: TokenRevocationAnswer,
      sizes: DIRECTORY_PAGE_SIZES,
    },
    (call) => ({
      page: (page) => listTokenRevocations(call.db, realmOf(call), page),
      count: () => countTokenRevocations(call.db, realmOf(call)),
      idOf: ({ key }: TokenRevocation) => key.revocationId,
      show: answerOf,
    }),
  ),
  reads(
    {
      name: "GetTokenRevocation",
      method: "GET",
      path: REVOCATION,
      tag: TAG,
      summary: "Shows how far the ending of many tokens is, and its receipt.",
      scopes: ["tokens:read"],
      answer: TokenRevocationAnswer,
    },
    showRevocation,
  ),
] as const;

async function showRevocation(call: Call<unknown, unknown>): Promise<Outcome<TokenRevocationAnswer>> {
  const revocationId = readPathId(call.request, { parameter: "token_revocation", shape: "uuid", kind: KIND });
  const revocation = await findTokenRevocation(call.db, { ...realmOf(call), revocationId });
  if (revocation === undefined) throw notFound(KIND, revocationId);
  return { value: answerOf(revocation) };
}

// Rule 1: who ends tokens could do all that those may do whose they are. Of one person that is known; whom else a filter of the admin
// realm concerns is not known before it is done, and there anybody may hold anything.
async function demandPower(call: WriteCall<unknown, unknown>, { identity_id: id }: TokenFilter): Promise<void> {
  const realm = realmOf(call);
  if (id !== undefined) return demandPowerOver(call, realm, { identityIds: [id] });
  const found = await findRealm(call.db, realm);
  if (found?.isAdmin === true) demandCover(call.caller, [{ scopes: new Set(MANAGEMENT_SCOPES), reach: "*" }]);
}

// An id that is mistyped must not look as if nothing was left to end.
async function demandKnown(call: WriteCall<unknown, unknown>, filter: TokenFilter): Promise<void> {
  const missing = await findMissingOfFilter(call.db, realmOf(call), filter);
  if (missing.length === 0) return;
  throw fieldViolations(
    missing.map((name) => ({ field: `token_revocation.filter.${name}`, description: "is not in this realm" })),
  );
}

async function demandRoom(call: WriteCall<unknown, unknown>): Promise<void> {
  if ((await countRunningRevocations(call.db, realmOf(call))) < RUNNING_MAX) return;
  throw new ManagementError("too_many_requests", `at most ${RUNNING_MAX} may run at a time`, {
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}

// Settled 3: where one row says it all, it holds on every node when the call returns.
async function raise(call: WriteCall<unknown, unknown>, asked: AskedEnding): Promise<RaisedFrom> {
  const holder = holderOf(asked);
  if (holder === undefined) return {};
  const { application_id = "", identity_id = "" } = asked.filter;
  const id = holder === "application" ? application_id : identity_id;
  return { [holder]: await raiseValidAfter(call.db, realmOf(call), { holder, id }, asked.issuedBefore) };
}

function answerOf(revocation: TokenRevocation): TokenRevocationAnswer {
  const { key, filter, until, step, counts, raisedFrom, finishedAtMs } = revocation;
  const isDone = finishedAtMs !== undefined;
  // A family that was granted before some earlier instant may have tokens that were issued after it: they end with their grant.
  const isRaised = raisedFrom.application !== undefined || raisedFrom.identity !== undefined;
  return {
    id: key.revocationId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    action: until === undefined ? "revoke" : "shorten",
    filter,
    ...(until === undefined ? {} : { expires: until }),
    state: isDone ? "DONE" : "RUNNING",
    is_in_force: isDone || (isRaised && filter.issued_before === undefined),
    progress: { step, looked_at: counts.lookedAt },
    receipt: receiptOf(revocation),
    ...timesOf(revocation),
  };
}
