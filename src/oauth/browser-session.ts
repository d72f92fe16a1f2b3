import type { Queryable } from "../database/database.ts";
import type { HttpRequest } from "../http/route.ts";
import type { ApplicationContext } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { isSessionOpen, oldestOpen } from "../protocol/session.ts";
import {
  type AuthenticatedPerson,
  planAuthenticatedSession,
  sessionKeptUntilMs,
} from "../resources/authenticated-session.ts";
import type { AuthorizationRequest } from "../resources/authorization-request/queries.ts";
import { readBrowserSession } from "../resources/browser-session.ts";
import type { NewGrant } from "../resources/grant/queries.ts";
import { type Session, useSession } from "../resources/session/queries.ts";
import { noteSessionApplication } from "../resources/session-application/queries.ts";
import type { LiveApplication } from "./find-live-application.ts";
import type { Services } from "./services.ts";

/** As many as name a session. */
const PAIRWISE_NAME_BYTES = 24;

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
  const { sessionPolicy } = context.realm;
  const keptUntilMs = ({ issuedAt, endsAt }: SessionUse): number =>
    sessionKeptUntilMs(services.deps, sessionPolicy, endsAt - issuedAt);
  const { sessionId } = authentication;
  // Somebody else's address may have brought this browser here: it is logged in to nothing by it, nor out of anything.
  const isOfBrowser = at.stored.embedded?.invocation !== "manual";
  const plan: WrittenPlan =
    sessionId === undefined
      ? await planAuthenticated(services, { ...at, isOfBrowser, keptUntilMs }, { identityId, authentication })
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
    const named = isPairwise ? services.deps.random.bytes(PAIRWISE_NAME_BYTES).toString("base64url") : sessionId;
    const used = { ...context.key, sessionId, clientSessionId: named, subject: grant.subject };
    const clientSessionId = await noteSessionApplication(db, used);
    return { sessionId, clientSessionId: clientSessionId === sessionId ? undefined : clientSessionId };
  };
}

/** A browser in which somebody has just logged in, and until when its session must be known for a grant. */
interface JustAuthenticated extends BrowserAt {
  readonly isOfBrowser: boolean;
  readonly keptUntilMs: (grant: SessionUse) => number;
}

async function planAuthenticated(
  { deps }: Services,
  { request, application, isOfBrowser, keptUntilMs }: JustAuthenticated,
  person: AuthenticatedPerson,
): Promise<WrittenPlan> {
  const { context, now } = application;
  const { sessionPolicy } = context.realm;
  const browser = { request, realm: context.key, sessionPolicy, now, isOfBrowser };
  const plan = await planAuthenticatedSession(deps, browser, person);
  return { write: (db, grant) => plan.write(db, keptUntilMs(grant)), cookies: plan.cookies };
}
