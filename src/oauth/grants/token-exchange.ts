import { OAuthError } from "../../protocol/oauth-error.ts";
import { splitScope } from "../../protocol/scope.ts";
import {
  type Actor,
  ANCESTORS_MAX,
  type ExchangeTarget,
  letsAct,
  narrowAudience,
  narrowExchangedScope,
  nestActor,
  readExchange,
  readTarget,
  TARGET_PARAMETERS,
  TOKEN_EXCHANGE,
} from "../../protocol/token-exchange.ts";
import { ID_KINDS } from "../../protocol/token-id.ts";
import { findCauseOfDeath } from "../../protocol/token-state.ts";
import { narrowRealm, type TokenFacts } from "../../resources/token/queries.ts";
import type { MovedUses } from "../../resources/token-issue/queries.ts";
import { parseClaims } from "../decide-issue.ts";
import { findPresentedToken, isPossibleRow } from "../presented-token.ts";
import type { Authorization, Grant, Inherited, TokenRequest } from "./grant.ts";

/** RFC 8693 as rule 16 narrows it: an application hands a token on that may do less, for less long, for fewer. */
export const tokenExchange: Grant = {
  grantType: TOKEN_EXCHANGE,
  repeatable: TARGET_PARAMETERS,
  // Which tokens it may exchange, their own client's `may_be_exchanged_by` says.
  isAllowed: (client) => client.confidentiality === "confidential",
  authorize: async (request) => {
    const asked = readExchange(request.parameters, request.context.client.tokenFormat);
    const subject = await findExchangeable(request, "subject_token", asked.subjectToken);
    return authorizeExchange(request, asked, { subject, actor: await findActor(request, asked.actorToken, subject) });
  },
  foresee: async (request) => {
    const asked = readTarget(request.parameters, request.context.client.tokenFormat);
    const subject = await findForeseen(request, request.parameters.values.get("subject_token_id"));
    const actor = await findActor(request, undefined, subject);
    return { authorization: await authorizeExchange(request, asked, { subject, actor }) };
  },
};

/** A preview knows the token by its id alone (rule 28). */
async function findForeseen(request: TokenRequest, id: string | undefined): Promise<TokenFacts> {
  if (id === undefined) throw new OAuthError("invalid_request", "subject_token_id is missing");
  const { tenantId, realmId } = request.context.key;
  const isPossible = isPossibleRow(request.services, id, ID_KINDS.access);
  const reading = isPossible ? await request.services.readToken({ tenantId, realmId, id }) : undefined;
  return judgeExchangeable(request, "subject_token", reading?.facts);
}

/** A token that was presented, live by what introspection would say at this moment (rule 7), and the caller's to exchange. */
async function findExchangeable(
  request: TokenRequest,
  name: "subject_token" | "actor_token",
  text: string,
): Promise<TokenFacts> {
  const { services, context } = request;
  const token = judgeExchangeable(request, name, await findPresentedToken(services, context.key, text));
  services.tokenUsage.used(token, request.now);
  return token;
}

function judgeExchangeable(
  request: TokenRequest,
  name: "subject_token" | "actor_token",
  token: TokenFacts | undefined,
): TokenFacts {
  const { key } = request.context;
  if (token === undefined) throw unacceptable(name, "it is no recorded access token of this realm");
  const cause = findCauseOfDeath(token, request.now);
  if (cause !== undefined) throw unacceptable(name, cause, token.id);
  const isOurs = token.applicationId === key.applicationId;
  if (!isOurs && !token.mayBeExchangedBy.includes(key.applicationId))
    throw unacceptable(name, "its client does not name this application in may_be_exchanged_by", token.id);
  return token;
}

// RFC 8693 §2.2.2: invalid_request, whatever is wrong with a token; which of it is for the decision alone (rule 23).
function unacceptable(name: string, cause: string, tokenId?: string): OAuthError {
  return new OAuthError("invalid_request", `${name} is not a live access token that this application may exchange`, {
    facts: { cause, ...(tokenId === undefined ? {} : { [`${name}_id`]: tokenId }) },
  });
}

/** Who acts from now on: whom the actor token names, or an application that goes on with another's token. */
async function findActor(
  request: TokenRequest,
  actorToken: string | undefined,
  subject: TokenFacts,
): Promise<Actor | undefined> {
  const { clientId } = request.context.client;
  if (actorToken === undefined) {
    return subject.applicationId === request.context.key.applicationId
      ? undefined
      : { sub: clientId, client_id: clientId };
  }
  const actor = await findExchangeable(request, "actor_token", actorToken);
  // Rule 17: what is accepted is used, and a use cannot be taken and the exchange still be refused.
  if (actor.usesLeft !== undefined) throw unacceptable("actor_token", "it is bounded by uses", actor.id);
  return { sub: actor.subject, client_id: actor.clientId };
}

function lets(token: TokenFacts | undefined, actor: Actor): boolean {
  return token === undefined || letsAct(parseClaims(token.customClaims), actor);
}

interface Exchange {
  readonly subject: TokenFacts;
  readonly actor: Actor | undefined;
}

async function authorizeExchange(
  request: TokenRequest,
  asked: ExchangeTarget,
  exchange: Exchange,
): Promise<Authorization> {
  const { subject, actor } = exchange;
  if (actor !== undefined && ![subject, ...subject.ancestors].every((one) => lets(one, actor)))
    throw unacceptable("subject_token", "its may_act does not name who is to act");
  const audience = narrowAudience(subject.audience, asked.targets);
  const isForServer = isStillForServer(subject, audience);
  return {
    outcome: "authorized",
    subject: subject.subject,
    scope: narrowExchangedScope(request.scope, {
      scope: splitScope(subject.scope),
      liveScopes: subject.liveScopes,
      isForServer,
    }),
    identityId: subject.identityId,
    sessionId: subject.sessionId,
    transactionId: subject.transactionId,
    customClaims: request.customClaims ?? subject.customClaims,
    parentExpiresAt: subject.expiresAt,
    consentSeconds: undefined, // what it left is in the end of the subject token
    target: isForServer ? await findTarget(request, subject) : { resourceServer: undefined },
    inherited: {
      ...inherit(request, exchange),
      audience,
      resourceServerId: isForServer ? subject.resourceServerId : undefined,
    },
    movedUses: moveUses(request, subject),
    issuedTokenType: asked.issuedTokenType,
    facts: {
      subject_token_id: subject.id,
      audience,
      ...(actor === undefined ? {} : { actor }),
    },
  };
}

// The audience is what was said; the resource server may have got another name since.
function isStillForServer(subject: TokenFacts, audience: readonly string[]): boolean {
  const { resourceServerIdentifier: identifier } = subject;
  return audience.length === subject.audience.length || (identifier !== undefined && audience.includes(identifier));
}

function inherit(
  { context }: TokenRequest,
  { subject, actor }: Exchange,
): Omit<Inherited, "audience" | "resourceServerId"> {
  const ancestors = [subject.id, ...subject.ancestorIds];
  if (ancestors.length + (subject.grantId === undefined ? 0 : 1) > ANCESTORS_MAX) {
    throw new OAuthError("invalid_request", `subject_token has ${ANCESTORS_MAX} ancestors already, which is the most`);
  }
  const targetRealm = [subject.liveTargetRealm, context.client.targetRealm].reduce(narrowRealm, subject.targetRealm);
  if (targetRealm === "") {
    throw new OAuthError("invalid_target", "this application does not reach the realm that the subject_token reaches");
  }
  const act = nestActor(actor, parseClaims(subject.actor));
  return {
    grantId: subject.grantId,
    ancestors,
    targetRealm,
    actor: act === undefined ? undefined : JSON.stringify(act),
    hidesPerson: subject.isPairwise,
  };
}

// The first of the line is of the application that is linked to the resource server: what bounds it is kept with that one.
async function findTarget({ services }: TokenRequest, subject: TokenFacts): Promise<Authorization["target"]> {
  const first = subject.ancestors.at(-1) ?? subject;
  const kept = await services.contexts.get(first);
  const resourceServer = kept?.context.resourceServer;
  return { resourceServer: resourceServer?.resourceServerId === subject.resourceServerId ? resourceServer : undefined };
}

/** Rule 17: the uses that go over, one unless more are asked for. */
function moveUses({ maxUses: uses = 1 }: TokenRequest, { id, usesLeft }: TokenFacts): MovedUses | undefined {
  if (usesLeft === undefined) return undefined;
  if (uses <= usesLeft) return { tokenId: id, uses, left: usesLeft };
  throw new OAuthError(
    "invalid_request",
    `max_uses ${uses} is above the ${usesLeft} uses that the subject_token has left`,
  );
}
