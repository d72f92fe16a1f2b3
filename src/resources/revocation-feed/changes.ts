import type { Queryable } from "../../database/database.ts";
import type { Deps } from "../../deps.ts";
import { sha256 } from "../../platform/hash.ts";
import type { RealmKey } from "../../protocol/client-metadata.ts";
import { lowestIdOf } from "../../protocol/token-id.ts";
import { findCauseOfDeath, NOT_YET } from "../../protocol/token-state.ts";
import * as causes from "../revocation-cause/queries.ts";
import { readTokens, type TokenFacts } from "../token/queries.ts";
import { appendEntries, completeFeed, type LockedFeeds, lockFeeds, type NewEntry } from "./queries.ts";

/**
 * A token may be recorded by a statement that began before its application, key or grant ended, and be there only after its tokens were
 * looked at: so they are looked at again. No statement takes as long.
 */
const SECOND_LOOK_AFTER_MS = 10_000;
/** Ids say when a request began: its body may have come for thirty seconds (http/server.ts), and it waited for its statement. */
const SECOND_LOOK_BACK_MS = 50_000;
/** Validators whose clocks are late accept a token for a while longer. */
const LATE_CLOCK_MS = 300_000;
/** So many families, sessions and the like are looked at together, if they are small. */
const WIDE_AT_ONCE = 32;
/** So many parts have one turn, for a list that is shown or in the job's round: the rest of a big cause has the next. */
const PARTS_MAX = 50;

/** What a look at a page found: tokens to judge, and where to go on; undefined where there is no more. */
interface Look {
  readonly suspects: readonly causes.SuspectToken[];
  readonly nextAfter: Buffer | undefined;
  readonly cause: causes.Cause;
  /** how many rows were read for it */
  readonly rows: number;
}

/**
 * Numbers what has ended in a realm, but for the rest of what has ended very many tokens.
 *
 * @returns of how many parts it was, or its last look
 */
export async function tellAllEnds(deps: Pick<Deps, "database" | "clock">, realm: RealmKey): Promise<number> {
  for (let part = 1; part < PARTS_MAX; part += 1) if (!(await tellEnds(deps, realm))) return part;
  return PARTS_MAX;
}

/**
 * Numbers a part of what has ended in a realm: the tokens that were ended by themselves, and a page of what the causes looked at least have
 * ended. Whoever does it waits for whoever does it already, so that numbers follow each other in the order of commits.
 *
 * @returns whether there was something
 */
export function tellEnds({ database, clock }: Pick<Deps, "database" | "clock">, realm: RealmKey): Promise<boolean> {
  const nowMs = clock.nowMs();
  return database.transaction([realm.tenantId], async (session) => {
    const feeds = await lockFeeds(session, realm);
    const due = await causes.takeCauses(session, realm, nowMs);
    if (due.length === 0) return false;
    const single = due.filter(({ kind }) => kind === "token");
    const wide = feeds.serverIds.size === 0 ? [] : due.filter(({ kind }) => kind !== "token");
    const looks = await lookAtSome(session, realm, wide, feeds);
    const named = [...new Set(single.map(({ object }) => object))];
    const found = await causes.findSuspects(session, realm, named);
    await causes.spreadToTrees(session, realm, named);
    const now = clock.nowSeconds() + feeds.clockOffsetSeconds;
    const all = [...found, ...looks.flatMap(({ suspects }) => suspects)];
    await judge(session, realm, { suspects: [...new Map(all.map((token) => [token.id, token])).values()], feeds, now });
    await causes.settleCauses(session, realm, feeds.serverIds.size === 0 ? due : single);
    for (const look of looks) await goOn(session, realm, look, nowMs);
    return true;
  });
}

/** Looks at causes until there is enough to judge. */
async function lookAtSome(
  session: Queryable,
  realm: RealmKey,
  wide: readonly causes.Cause[],
  feeds: LockedFeeds,
): Promise<readonly Look[]> {
  const looks: Look[] = [];
  let rows = 0;
  for (const cause of wide.slice(0, WIDE_AT_ONCE)) {
    const look = await lookAt(session, realm, cause, feeds);
    looks.push(look);
    rows += look.rows;
    if (rows >= causes.PAGE_ROWS) break;
  }
  return looks;
}

async function lookAt(session: Queryable, realm: RealmKey, cause: causes.Cause, feeds: LockedFeeds): Promise<Look> {
  const { kind, object, owner, after } = cause;
  if (kind === "identity" || kind === "session") {
    const of = { identityId: owner, sessionId: kind === "session" ? object : "", after };
    const grants = await causes.spreadCause(session, realm, of);
    const nextAfter = grants.length < causes.PAGE_ROWS ? undefined : grants.at(-1);
    return { cause, suspects: [], rows: grants.length, nextAfter };
  }
  const page = await causes.listSuspects(session, realm, { ...pageOf(cause), after });
  const suspects = page.filter((token) => isOf(token, cause, feeds));
  // What has a root in common is looked at whole.
  if (kind === "application" || kind === "key")
    await causes.spreadToTrees(
      session,
      realm,
      suspects.map(({ id }) => id),
    );
  const last = page.length < causes.PAGE_ROWS ? undefined : page.at(-1)?.id;
  const nextAfter = last === undefined ? undefined : Buffer.from(last, "base64url");
  return { cause, suspects, rows: page.length, nextAfter };
}

function pageOf({ kind, object, owner }: causes.Cause): Omit<causes.SuspectPage, "after"> {
  if (kind === "grant") return { of: "root", owner: object };
  if (kind === "tree") return { of: "root", owner, ancestor: object };
  return kind === "application" ? { of: "application", owner } : { of: "realm", owner };
}

function isOf(token: causes.SuspectToken, { kind, object }: causes.Cause, feeds: LockedFeeds): boolean {
  if (kind === "key") return token.keyId === object;
  return kind === "server" ? feedsOf(token, feeds).includes(object) : token.isMeant;
}

// A validator knows a token by its audience: where the resource server was deleted, that is what the next one with its identifier has, too.
function feedsOf({ resourceServerId, audience }: causes.SuspectToken, feeds: LockedFeeds): readonly string[] {
  const named = audience.flatMap((identifier) => feeds.serverIdsByIdentifier.get(identifier) ?? []);
  return [...new Set([resourceServerId ?? "", ...named])].filter((id) => feeds.serverIds.has(id));
}

interface Judged {
  readonly suspects: readonly causes.SuspectToken[];
  readonly feeds: LockedFeeds;
  /** seconds of tenant time */
  readonly now: number;
}

// Only who validates JWTs by itself needs to hear of it: of an opaque token nobody knows anything without asking.
async function judge(session: Queryable, realm: RealmKey, { suspects, feeds, now }: Judged): Promise<void> {
  const told = suspects
    .filter(({ keyId, issuedExpiresAt }) => keyId !== undefined && issuedExpiresAt > now)
    .map((token) => ({ token, serverIds: feedsOf(token, feeds) }))
    .filter(({ serverIds }) => serverIds.length > 0);
  if (told.length === 0) return;
  const readings = await readTokens(
    session,
    told.map(({ token: { id } }) => ({ ...realm, id })),
  );
  const entries = told.flatMap(({ token, serverIds }, n): NewEntry[] => {
    const ended = endOf(token, readings[n]?.facts, now);
    if (ended === undefined) return [];
    const forgetAtMs = (token.issuedExpiresAt - feeds.clockOffsetSeconds) * 1_000 + LATE_CLOCK_MS;
    const entry = { ...ended, tokenHash: sha256(token.id), forgetAtMs, status: token.status };
    return serverIds.map((resourceServerId) => ({ ...entry, resourceServerId }));
  });
  if (entries.length > 0) await appendEntries(session, realm, entries);
}

/** When a token ended or ends, earlier than it says itself; undefined where it does not. */
function endOf(
  { issuedExpiresAt }: causes.SuspectToken,
  facts: TokenFacts | undefined,
  now: number,
): Pick<NewEntry, "endedAt" | "expiresAt"> | undefined {
  if (facts === undefined) return { endedAt: now, expiresAt: undefined };
  const isShortened = facts.expiresAt < issuedExpiresAt;
  // A token that is over since it was shortened may be dead for another cause, too: the more is said.
  const cause = findCauseOfDeath({ ...facts, expiresAt: Number.MAX_SAFE_INTEGER }, now);
  if (cause !== undefined && cause !== NOT_YET) return { endedAt: facts.revokedAt ?? now, expiresAt: undefined };
  return isShortened ? { endedAt: now, expiresAt: facts.expiresAt } : undefined;
}

async function goOn(session: Queryable, realm: RealmKey, { cause, nextAfter }: Look, nowMs: number): Promise<void> {
  const { isSecondLook, kind, object } = cause;
  if (nextAfter !== undefined) {
    await causes.postponeCause(session, realm, cause, { after: nextAfter, isSecondLook, dueAtMs: 0 });
    return;
  }
  if (kind === "server") await completeFeed(session, { ...realm, resourceServerId: object });
  if (isSecondLook) return causes.settleCauses(session, realm, [cause]);
  // What ended while a feed was begun may be a token of any age.
  const after = kind === "server" ? Buffer.alloc(0) : lowestIdOf(nowMs - SECOND_LOOK_BACK_MS);
  await causes.postponeCause(session, realm, cause, {
    after,
    isSecondLook: true,
    dueAtMs: nowMs + SECOND_LOOK_AFTER_MS,
  });
}
