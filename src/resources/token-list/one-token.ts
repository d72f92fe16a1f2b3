import { describeCaller } from "../../http/caller.ts";
import { notFound } from "../../http/management-error.ts";
import { createRevocationMeter } from "../../http/revocation-meter.ts";
import { splitScope } from "../../protocol/scope.ts";
import { findFamilyEnd, isOpen } from "../../protocol/token-state.ts";
import type { Call, Outcome } from "../call.ts";
import { demandHolder } from "../demand-holder.ts";
import type { GrantFacts } from "../grant/queries.ts";
import { acts, reads } from "../operations.ts";
import { endsFamily, type Revocation, revokeAs, revokeGrants, revokeTokens } from "../revocation/queries.ts";
import { shorten } from "../shortening/queries.ts";
import type { TokenFacts } from "../token/queries.ts";
import { type FoundToken, findToken, parentOf } from "./find-token.ts";
import { findPathApplication, TOKENS } from "./path.ts";
import { ShortenTokenBody, TokenDetail } from "./schema.ts";

/** One token by its id: what it is and why, an earlier end, its end (reference 1.12, rule 28). */
export const ONE_TOKEN_OPERATIONS = [
  reads(
    {
      name: "GetToken",
      method: "GET",
      path: `${TOKENS}/{token_id}`,
      tag: "Tokens",
      summary:
        "Shows a live token of an application: until when it lives, how that came about, and what it descends from.",
      scopes: ["tokens:read"],
      answer: TokenDetail,
    },
    async (call) => ({ value: toDetail(await findLive(call)) }),
  ),
  acts(
    {
      name: "ShortenToken",
      method: "POST",
      path: `${TOKENS}/{token_id}:shorten`,
      tag: "Tokens",
      summary:
        "Gives a live token an earlier end, and with it all that descends from it. It never lives longer by that.",
      scopes: ["tokens:delete"],
      body: ShortenTokenBody,
      answer: TokenDetail,
    },
    shortenToken,
  ),
  acts(
    {
      name: "RevokeToken",
      method: "DELETE",
      path: `${TOKENS}/{token_id}`,
      tag: "Tokens",
      summary:
        "Ends a token, or a refresh token with its family. One that is dead or was never there is answered the same.",
      scopes: ["tokens:delete"],
    },
    async (call) => {
      await revoke(call);
      return { value: undefined };
    },
  ),
] as const;

/** The token that the path names, which lives, and its tenant's time. */
interface LiveToken {
  readonly found: FoundToken;
  readonly now: number;
}

async function findLive(call: Call<unknown, unknown>): Promise<LiveToken> {
  const { key, now } = await findPathApplication(call);
  const { token_id: id = "" } = call.request.parameters;
  const found = await findToken(call, { ...key, id, withDecision: true });
  if (found === undefined || !lives(found, now)) throw notFound("Token", id);
  return { found, now };
}

function lives({ kind, row }: FoundToken, now: number): boolean {
  return kind === "access" ? isOpen(row, now) : findFamilyEnd(row, now) !== undefined;
}

async function shortenToken(call: Call<unknown, ShortenTokenBody>): Promise<Outcome<TokenDetail>> {
  const { deps, request, caller, body, nowMs } = call;
  const { found, now } = await findLive(call);
  const { applicationId, tenantId, realmId, id, identityId } = found.row;
  const key = { tenantId, realmId, applicationId };
  await demandHolder(call, { ...key, identityId });
  await shorten(deps.database, {
    ...key,
    id,
    until: now + body.expiration_time,
    atMs: nowMs,
    traceId: request.traceId,
    facts: { by: "an administrator", ...describeCaller(caller) },
  });
  return { value: toDetail(await findLive(call)) };
}

function toDetail({ found: { kind, row } }: LiveToken): TokenDetail {
  return kind === "access" ? describeAccess(row) : describeFamily(row);
}

function describeAccess(row: TokenFacts): TokenDetail {
  return {
    id: row.id,
    token_type: "access",
    token_format: row.keyId === undefined ? "referential" : "self_contained",
    subject: row.subject,
    scopes: [...splitScope(row.scope)],
    issued_at: row.issuedAt,
    not_before: row.notBefore,
    expires: row.expiresAt,
    issued_lifetime: row.issuedExpiresAt - row.notBefore,
    ...(row.usesLeft === undefined ? {} : { uses_left: Math.max(0, row.usesLeft) }),
    ...parentOf(row),
    ...(row.lifetimeRecord === undefined ? {} : { lifetime: row.lifetimeRecord }),
  };
}

function describeFamily(row: GrantFacts): TokenDetail {
  const issuedAt = row.refreshIssuedAt ?? row.issuedAt;
  return {
    id: row.id,
    token_type: "refresh",
    token_format: "referential",
    subject: row.subject,
    scopes: [...splitScope(row.scope)],
    issued_at: issuedAt,
    not_before: issuedAt,
    expires: row.refreshExpiresAt ?? issuedAt,
  };
}

async function revoke(call: Call<unknown, unknown>): Promise<void> {
  const { deps, request, caller, liveTokens, nowMs } = call;
  const { key, now } = await findPathApplication(call);
  const { token_id: id = "" } = request.parameters;
  const found = await findToken(call, { ...key, id });
  if (found === undefined) return;
  await demandHolder(call, { ...key, identityId: found.row.identityId });
  const revocation: Revocation = {
    ...key,
    id,
    at: now,
    atMs: nowMs,
    reason: "revoked",
    traceId: request.traceId,
    kind: "revoke",
    outcome: "revoked",
    facts: { by: "an administrator", ...describeCaller(caller) },
  };
  const end = endsFamily(revocation) ? revokeGrants : revokeTokens;
  liveTokens.remove(await revokeAs(deps.database, [revocation], end));
  createRevocationMeter(deps)(request.traceId);
}
