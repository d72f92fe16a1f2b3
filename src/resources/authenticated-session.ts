import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import { setSessionCookie } from "../http/session-cookie.ts";
import { sha256 } from "../platform/hash.ts";
import type { RealmKey, SessionPolicy } from "../protocol/client-metadata.ts";
import { isSessionOpen } from "../protocol/session.ts";
import { readUserAgent } from "../protocol/user-agent.ts";
import type { Authentication } from "./authorization-request/schema.ts";
import { readBrowserSession } from "./browser-session.ts";
import { endSession, insertSession, renewSession } from "./session/queries.ts";

const SECRET_BYTES = 32;
const ID_TIME_BYTES = 6;
const ID_RANDOM_BYTES = 18;
const MS_PER_SECOND = 1_000;
/** A node's clock may be a little behind: the end of a session is remembered this much longer than what it ends may live. */
const KEPT_LONGER_MS = 3_600_000;

/** A browser in which somebody has logged in to a realm. */
export interface AuthenticatedBrowser {
  readonly request: HttpRequest;
  readonly realm: RealmKey;
  readonly sessionPolicy: SessionPolicy;
  /** seconds of tenant time */
  readonly now: number;
  /** whether the browser that is answered is the one in which the person logged in */
  readonly isOfBrowser: boolean;
}

/** Who has logged in, and how that was proved. */
export interface AuthenticatedPerson {
  readonly identityId: string;
  readonly authentication: Authentication;
}

/** What becomes of the browser's session. */
export interface AuthenticatedSession {
  /** Writes it, in the transaction that ends the login. Returns its id. */
  write(db: Queryable, keptUntilMs: number): Promise<string>;
  /** `Set-Cookie` for the session of this id */
  cookies(sessionId: string): readonly string[];
}

/**
 * Plans the session of somebody who has just proved who they are: its secret becomes another one, so that who knew the one before knows
 * nothing (rule 20). It is the same session if it is the same person's; another person's is over, because no cookie would lead to it any
 * more.
 */
export async function planAuthenticatedSession(
  deps: Pick<Deps, "config" | "database" | "clock" | "random">,
  { request, realm, sessionPolicy, now, isOfBrowser }: AuthenticatedBrowser,
  { identityId, authentication }: AuthenticatedPerson,
): Promise<AuthenticatedSession> {
  const { tenantId, realmId } = realm;
  const shown = isOfBrowser ? await readBrowserSession(deps, request, realm) : undefined;
  const isOpen = shown !== undefined && isSessionOpen(shown, sessionPolicy, now);
  const own = isOpen && shown.identityId === identityId ? shown : undefined;
  const browser = readUserAgent(headerOf(request, "user-agent"));
  const secret = deps.random.bytes(SECRET_BYTES);
  const newId = newSessionId(deps.clock.nowMs(), deps.random.bytes(ID_RANDOM_BYTES));
  return {
    write: async (db, keptUntilMs) => {
      const { authTime, amr, acr } = authentication;
      const proof = { identityId, secretHash: sha256(secret), authTime, amr, acr, keptUntilMs };
      if (own !== undefined && (await renewSession(db, own, proof))) return own.key.sessionId;
      // One that is over by its time is left so: only an ending ends its grants (rule 13).
      if (isOpen && own === undefined) await endSession(db, shown.key, { at: now, reason: "replaced" });
      await insertSession(db, { tenantId, realmId, sessionId: newId }, proof, browser);
      return newId;
    },
    cookies: (sessionId) => {
      if (!isOfBrowser) return [];
      const place = { publicUrl: deps.config.publicUrl, realmId };
      return setSessionCookie(request, place, { sessionId, secret, lifetimeSeconds: sessionPolicy.absoluteSeconds });
    },
  };
}

/**
 * Until when the end of a session has to be known, in milliseconds of real time.
 *
 * @param grantSeconds how long what hangs on it may live
 */
export function sessionKeptUntilMs(
  { clock }: Pick<Deps, "clock">,
  { absoluteSeconds }: SessionPolicy,
  grantSeconds: number,
): number {
  return clock.nowMs() + Math.max(grantSeconds, absoluteSeconds) * MS_PER_SECOND + KEPT_LONGER_MS;
}

// The time leads, so that of a browser's sessions the oldest is known.
function newSessionId(nowMs: number, random: Uint8Array): string {
  const time = Buffer.alloc(ID_TIME_BYTES);
  time.writeUIntBE(nowMs, 0, ID_TIME_BYTES);
  return Buffer.concat([time, random]).toString("base64url");
}
