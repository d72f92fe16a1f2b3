import type { Queryable } from "../database/database.ts";
import { type HttpRequest, headerOf } from "../http/route.ts";
import { setSessionCookie } from "../http/session-cookie.ts";
import { sha256 } from "../platform/hash.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { isSessionOpen, oldestOpen } from "../protocol/session.ts";
import { readUserAgent } from "../protocol/user-agent.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import type { Authentication } from "../resources/authorization-request/schema.ts";
import { readBrowserSession } from "../resources/browser-session.ts";
import type { NewGrant } from "../resources/grant/queries.ts";
import { endSession, insertSession, renewSession, type Session, useSession } from "../resources/session/queries.ts";
import { noteSessionApplication } from "../resources/session-application/queries.ts";
import type { LiveApplication } from "./find-live-application.ts";
import type { Services } from "./services.ts";

const SECRET_BYTES = 32;
const ID_TIME_BYTES = 6;
const ID_RANDOM_BYTES = 18;
/** A node's clock may be a little behind: the end of a session is remembered this much longer than what it ends may live. */
const KEPT_LONGER_MS = 3_600_000;

/** A browser at an application's endpoint. */
export interface BrowserAt {
  readonly request: HttpRequest;
  readonly application: LiveApplication;
}

/** The session that logs its person in at this moment. */
export async function findOpenSession(services: Services, at: BrowserAt): Promise<Session | undefined> {
  const { context, now } = at.application;
  const session = await readBrowserSession(services.deps, at.request, context.key);
  return session !== undefined && isSessionOpen(session, context.realm.sessionPolicy, now) ? session : undefined;
}

/** What a session is used for: a grant, and what the client calls its person. */
export type SessionUse = Pick<NewGrant, "subject" | "issuedAt" | "endsAt">;

/** A session as a grant names it. */
export interface UsedSession {
  readonly sessionId: string;
  /** what the client calls it, where that is another name (rule 20) */
  readonly clientSessionId: string | undefined;
}

/** What a login does to the browser's session, within the transaction that records its grant. */
export interface SessionPlan {
  /**
   * Writes it.
   *
   * @param grant what hangs on the session: its end is remembered for as long as this may live
   * @returns the session that the grant hangs on
   * @throws OAuthError `login_required` when the session that the person was known from was ended meanwhile
   */
  write(db: Queryable, grant: SessionUse): Promise<UsedSession>;
  /** `Set-Cookie` for the session of this id */
  cookies(sessionId: string): readonly string[];
}

/** Plans what becomes of the browser's session when this login is answered. */
export async function planSession(
  services: Services,
  at: BrowserAt & { readonly stored: AuthorizationRequest },
): Promise<SessionPlan> {
  const { identityId, authentication } = at.stored;
  if (identityId === undefined || authentication === undefined) throw new Error("nobody has logged in");
  const { context, now } = at.application;
  const keptUntilMs = ({ issuedAt, endsAt }: SessionUse): number => {
    const { absoluteSeconds } = context.realm.sessionPolicy;
    return services.deps.clock.nowMs() + Math.max(endsAt - issuedAt, absoluteSeconds) * 1_000 + KEPT_LONGER_MS;
  };
  const { sessionId } = authentication;
  // Somebody else's address may have brought this browser here: it is logged in to nothing by it, nor out of anything.
  const isOfBrowser = at.stored.embedded?.invocation !== "manual";
  const plan: WrittenPlan =
    sessionId === undefined
      ? await planAuthenticated(services, at, { identityId, authentication, keptUntilMs, isOfBrowser })
      : {
          write: async (db, grant) => {
            const used = { identityId, at: now, keptUntilMs: keptUntilMs(grant) };
            // The page that asked may have been answered long after the session was looked at.
            const since = oldestOpen(context.realm.sessionPolicy, at.stored.parameters.maxAgeSeconds, now);
            // Should it have been renewed by another login: the client is told of the one that was looked at, which may be too old by now.
            const isRecent = authentication.authTime >= since.authenticatedSince;
            if (isRecent && (await useSession(db, { ...context.key, sessionId }, { ...used, ...since })))
              return sessionId;
            throw new OAuthError("login_required", "the session was ended meanwhile");
          },
          cookies: () => [],
        };
  return { ...plan, write: noteApplication(services, context, plan.write) };
}

/** Writes the session alone. */
interface WrittenPlan extends Omit<SessionPlan, "write"> {
  write(db: Queryable, grant: SessionUse): Promise<string>;
}

/** The application is told when the session ends; an `oauth2` one has no name for it. */
function noteApplication(
  services: Services,
  context: ApplicationContext,
  write: WrittenPlan["write"],
): SessionPlan["write"] {
  return async (db, grant) => {
    const sessionId = await write(db, grant);
    if (context.client.type !== "oidc") return { sessionId, clientSessionId: undefined };
    const isPairwise = context.client.subjectType === "pairwise";
    const named = isPairwise
      ? services.deps.random.bytes(ID_TIME_BYTES + ID_RANDOM_BYTES).toString("base64url")
      : sessionId;
    const used = { ...context.key, sessionId, clientSessionId: named, subject: grant.subject };
    const clientSessionId = await noteSessionApplication(db, used);
    return { sessionId, clientSessionId: clientSessionId === sessionId ? undefined : clientSessionId };
  };
}

interface Authenticated {
  readonly identityId: string;
  readonly authentication: Authentication;
  readonly keptUntilMs: (grant: SessionUse) => number;
  /** whether the browser that is answered is the one in which the person logged in */
  readonly isOfBrowser: boolean;
}

/**
 * Somebody has just proved who they are: the session's secret becomes another one, so that who knew the one before knows nothing. It is
 * the same session if it is the same person's; another person's is over, because no cookie would lead to it any more.
 */
async function planAuthenticated(services: Services, at: BrowserAt, person: Authenticated): Promise<WrittenPlan> {
  const { random, clock, config } = services.deps;
  const { context, now } = at.application;
  const { tenantId, realmId } = context.key;
  const shown = person.isOfBrowser ? await readBrowserSession(services.deps, at.request, context.key) : undefined;
  const isOpen = shown !== undefined && isSessionOpen(shown, context.realm.sessionPolicy, now);
  const own = isOpen && shown.identityId === person.identityId ? shown : undefined;
  const browser = readUserAgent(headerOf(at.request, "user-agent"));
  const secret = random.bytes(SECRET_BYTES);
  const newId = newSessionId(clock.nowMs(), random.bytes(ID_RANDOM_BYTES));
  return {
    write: async (db, grant) => {
      const { identityId, authentication } = person;
      const { authTime, amr, acr } = authentication;
      const keptUntilMs = person.keptUntilMs(grant);
      const proof = { identityId, secretHash: sha256(secret), authTime, amr, acr, keptUntilMs };
      if (own !== undefined && (await renewSession(db, own, proof))) return own.key.sessionId;
      // One that is over by its time is left so: only an ending ends its grants (rule 13).
      if (isOpen && own === undefined) await endSession(db, shown.key, { at: now, reason: "replaced" });
      await insertSession(db, { tenantId, realmId, sessionId: newId }, proof, browser);
      return newId;
    },
    cookies: (sessionId) => {
      if (!person.isOfBrowser) return [];
      return setSessionCookie(
        at.request,
        { publicUrl: config.publicUrl, realmId },
        { sessionId, secret, lifetimeSeconds: context.realm.sessionPolicy.absoluteSeconds },
      );
    },
  };
}

// The time leads, so that of a browser's sessions the oldest is known.
function newSessionId(nowMs: number, random: Uint8Array): string {
  const time = Buffer.alloc(ID_TIME_BYTES);
  time.writeUIntBE(nowMs, 0, ID_TIME_BYTES);
  return Buffer.concat([time, random]).toString("base64url");
}
