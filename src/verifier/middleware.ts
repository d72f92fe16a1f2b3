import { demand, demandMembers } from "./options.ts";
import { TokenRefused } from "./refused-token.ts";
import type { AccessTokenClaims, Verifier } from "./verifier.ts";

const RETRY_AFTER_SECONDS = 5;
/** RFC 6749 §3.3 */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/** What is demanded of a request's token. */
export interface Demand {
  /** scopes, all of which it must have */
  readonly scopes?: readonly string[];
}

/** A request as Fastify, Express and Node have it. */
interface BearingRequest {
  readonly headers: { readonly authorization?: string | undefined };
}

/** A reply of Fastify, as far as it is needed. */
interface FastifyReply {
  code(status: number): FastifyReply;
  headers(values: Readonly<Record<string, string>>): FastifyReply;
  send(body: unknown): unknown;
}

/** A response of Express, Connect or Node, as far as it is needed. */
interface NodeResponse {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  end(body: string): unknown;
}

const claims = new WeakMap<BearingRequest, AccessTokenClaims>();

/** What the token of a request says that was let through. Throws for a request that no verifier has seen. */
export function claimsOf(request: BearingRequest): AccessTokenClaims {
  const found = claims.get(request);
  if (found === undefined) throw new Error("this request was not verified");
  return found;
}

/** A hook for Fastify (`onRequest`): lets through who has a token. Nothing of Fastify is imported. */
export function fastifyVerifier(
  verifier: Verifier,
  ...demanded: readonly [demanded?: Demand]
): (request: BearingRequest, reply: FastifyReply) => Promise<unknown> {
  const scopes = scopesOf(demanded);
  return async (request, reply) => {
    const refusal = await judge(verifier, request, scopes);
    if (refusal === undefined) return undefined;
    return reply.code(refusal.status).headers(refusal.headers).send(refusal.body);
  };
}

/** A middleware for Express, Connect and Node's own server: lets through who has a token. */
export function expressVerifier(
  verifier: Verifier,
  ...demanded: readonly [demanded?: Demand]
): (request: BearingRequest, response: NodeResponse, next: (error?: unknown) => void) => void {
  const scopes = scopesOf(demanded);
  return (request, response, next) => {
    judge(verifier, request, scopes).then((refusal) => {
      if (refusal === undefined) return next();
      response.writeHead(refusal.status, { "content-type": "application/json", ...refusal.headers });
      response.end(JSON.stringify(refusal.body));
    }, next);
  };
}

// A scope that is lost on its way from a configuration would let everybody through: what is `undefined` was not left out.
function scopesOf(args: readonly [demanded?: Demand]): readonly string[] {
  if (args.length === 0) return [];
  const [demanded] = args;
  demandMembers(demanded, ["scopes"], "what is demanded of a token");
  if (!("scopes" in demanded)) return [];
  const { scopes } = demanded;
  const areScopes = Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string" && SCOPE.test(scope));
  demand(areScopes, "scopes", "a list of scopes");
  return [...scopes];
}

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, string>>;
}

async function judge(
  verifier: Verifier,
  request: BearingRequest,
  scopes: readonly string[],
): Promise<Refusal | undefined> {
  try {
    const [, token] = BEARER.exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined) throw new TokenRefused("missing", "the request has no token");
    const found = await verifier.verify(token);
    const held = new Set(found.scope?.split(" "));
    if (scopes.some((scope) => !held.has(scope)))
      throw new TokenRefused("insufficient_scope", "the token lacks a scope");
    claims.set(request, found);
    return undefined;
  } catch (error) {
    if (error instanceof TokenRefused) return toRefusal(error, scopes);
    throw error;
  }
}

// RFC 6750 §3: who sent no token is told no error.
function toRefusal({ code, message }: TokenRefused, scopes: readonly string[]): Refusal {
  switch (code) {
    case "missing":
      return { status: 401, headers: { "www-authenticate": "Bearer" }, body: { error: "invalid_token" } };
    case "insufficient_scope": {
      const challenge = `Bearer error="insufficient_scope", scope="${scopes.join(" ")}"`;
      return { status: 403, headers: { "www-authenticate": challenge }, body: { error: code } };
    }
    case "stale":
    case "unavailable":
      return {
        status: 503,
        headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
        body: { error: "temporarily_unavailable" },
      };
    default: {
      const challenge = `Bearer error="invalid_token", error_description="${message}"`;
      return { status: 401, headers: { "www-authenticate": challenge }, body: { error: "invalid_token" } };
    }
  }
}
