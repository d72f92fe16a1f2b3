import { SESSION_LETS_GRANT_LIVE } from "./session/queries.ts";
import { alive } from "./tombstone.ts";

// SQL: what lives as introspection judges it. `now` is an expression in seconds of tenant time; the application is that of $1 (tenant),
// $2 (realm) and $3.

const VALID_AFTER = `(SELECT a.tokens_valid_after FROM applications a
    WHERE a.tenant_id = $1 AND a.realm_id = $2 AND a.application_id = $3)`;

/**
 * For a judgement of an instant that is over: what was revoked later lived then, and so did what `tokens_valid_after` ends that was
 * raised since. SQL of what that was before, null where it was not raised: of the application $3, and of all people.
 */
export interface Past {
  readonly applicationValidAfter: string;
  readonly identityValidAfter: string;
}

/** The token `t` has not expired, and nothing that it hangs on has ended. Whether it was revoked itself is not in it. */
export function tokenLives(now: string, past?: Past): string {
  return `t.expires_at > ${now} AND t.issued_at >= ${validAfter(past)}
  AND (t.identity_id IS NULL OR EXISTS (SELECT FROM identities i WHERE i.tenant_id = t.tenant_id AND i.realm_id = t.realm_id
    AND i.identity_id = t.identity_id AND ${alive("i")} AND i.status = 'active' AND ${personValidAfter(past)} <= t.issued_at))
  AND (t.grant_id IS NULL OR EXISTS (SELECT FROM grants g WHERE g.tenant_id = t.tenant_id AND g.realm_id = t.realm_id
    AND g.id = t.grant_id AND g.bucket = t.grant_bucket AND ${notRevoked("g", now, past)} AND g.ends_at > ${now} AND ${SESSION_LETS_GRANT_LIVE}))
  AND ${keyHolds("t")}
  AND (t.uses_left IS NULL OR t.uses_left > 0)
  AND (t.ancestors = '{}' OR NOT EXISTS (SELECT FROM unnest(t.ancestors) named(id) WHERE NOT ${ancestorLives(now, past)}))`;
}

/** When the token `t` ends: its own end, or that of what it descends from. */
export function tokenEnd(): string {
  return `LEAST(t.expires_at,
    (SELECT g.ends_at FROM grants g WHERE g.tenant_id = t.tenant_id AND g.realm_id = t.realm_id AND g.id = t.grant_id
      AND g.bucket = t.grant_bucket),
    (SELECT min(p.expires_at) FROM unnest(t.ancestors) named(id) JOIN tokens p ON ${IS_NAMED}))`;
}

// A token is named by its id alone: the bucket is within it.
const IS_NAMED = `p.tenant_id = t.tenant_id AND p.realm_id = t.realm_id AND p.id = named.id
    AND p.bucket = ('x' || encode(substr(named.id, 18, 4), 'hex'))::bit(32)::integer`;

// The token that `named.id` names, of any application: its grant and its person are those of `t` itself.
function ancestorLives(now: string, past: Past | undefined): string {
  const since =
    past && `COALESCE(CASE WHEN a.application_id = $3 THEN ${past.applicationValidAfter} END, a.tokens_valid_after)`;
  return `EXISTS (SELECT FROM tokens p JOIN applications a ON a.tenant_id = p.tenant_id AND a.realm_id = p.realm_id
      AND a.application_id = p.application_id AND ${alive("a")} AND ${since ?? "a.tokens_valid_after"} <= p.issued_at
    WHERE ${IS_NAMED} AND ${notRevoked("p", now, past)} AND p.expires_at > ${now}
    AND ${keyHolds("p")})`;
}

// The key that signed the token of this alias was not marked compromised; an opaque one has none.
function keyHolds(of: string): string {
  return `NOT EXISTS (SELECT FROM signing_keys k WHERE k.tenant_id = ${of}.tenant_id AND k.realm_id = ${of}.realm_id
    AND k.key_id = ${of}.key_id AND k.compromised_at IS NOT NULL)`;
}

/** The grant `g` has a refresh token that can be used. Whether it was revoked is not in it. */
export function familyLives(now: string, past?: Past): string {
  return `g.refresh_expires_at > ${now} AND cardinality(g.siblings) > 0 AND g.issued_at >= ${validAfter(past)}
  AND ${SESSION_LETS_GRANT_LIVE}
  AND EXISTS (SELECT FROM identities i WHERE i.tenant_id = g.tenant_id AND i.realm_id = g.realm_id AND i.identity_id = g.identity_id
    AND ${alive("i")} AND i.status = 'active' AND ${personValidAfter(past)} <= g.issued_at)`;
}

/** The row of this alias was not revoked, or not yet at that instant, where one is judged that is over. */
export function notRevoked(of: string, now: string, past: Past | undefined): string {
  return past === undefined ? `${of}.revoked_at IS NULL` : `(${of}.revoked_at IS NULL OR ${of}.revoked_at > ${now})`;
}

function validAfter(past: Past | undefined): string {
  return past === undefined ? VALID_AFTER : `COALESCE(${past.applicationValidAfter}, ${VALID_AFTER})`;
}

function personValidAfter(past: Past | undefined): string {
  return past === undefined ? "i.tokens_valid_after" : `COALESCE(${past.identityValidAfter}, i.tokens_valid_after)`;
}
