import type { Pool, QueryResult } from "pg";

/** What oidc-provider stores: a flat object that it serialises and reads back whole. */
type Payload = Record<string, unknown>;

type Row = { payload: Payload; consumed_at: string | null };

/**
 * The table of the peer's store: one row a model instance, read by its primary key.
 *
 * The three partial indexes are the look-ups oidc-provider's adapter contract asks for; rows of client credentials
 * are in none of them. There is deliberately no index on `expires_at`: purging is not measured, and it would only
 * slow the peer down.
 */
export const PEER_SCHEMA = `
  CREATE TABLE models (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    payload json NOT NULL,
    grant_id text COLLATE "C",
    user_code text COLLATE "C",
    uid text COLLATE "C",
    expires_at bigint,
    consumed_at bigint,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX models_grant_id ON models (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX models_user_code ON models (kind, user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX models_uid ON models (kind, uid) WHERE uid IS NOT NULL;
`;

const FIND = "SELECT payload, consumed_at FROM models WHERE kind = $1 AND id = $2";
const FIND_BY_UID = "SELECT payload, consumed_at FROM models WHERE kind = $1 AND uid = $2";
const FIND_BY_USER_CODE = "SELECT payload, consumed_at FROM models WHERE kind = $1 AND user_code = $2";
const UPSERT = `INSERT INTO models (kind, id, payload, grant_id, user_code, uid, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (kind, id) DO UPDATE SET payload = EXCLUDED.payload, grant_id = EXCLUDED.grant_id,
    user_code = EXCLUDED.user_code, uid = EXCLUDED.uid, expires_at = EXCLUDED.expires_at`;
const CONSUME = `UPDATE models SET consumed_at = extract(epoch FROM clock_timestamp())::bigint
  WHERE kind = $1 AND id = $2`;
const DESTROY = "DELETE FROM models WHERE kind = $1 AND id = $2";
const REVOKE_BY_GRANT = "DELETE FROM models WHERE grant_id = $1";

/**
 * Makes oidc-provider's adapter factory over a pool: one prepared statement a call, no batching, as a careful user
 * of that library would write it.
 */
export function postgresqlAdapter(pool: Pool) {
  const run = (name: string, text: string, values: unknown[]): Promise<QueryResult<Row>> =>
    pool.query<Row>({ name, text, values });

  return (kind: string) => ({
    async upsert(id: string, payload: Payload): Promise<void> {
      const { grantId, userCode, uid, exp } = payload;
      await run("upsert", UPSERT, [kind, id, payload, grantId, userCode, uid, exp]);
    },
    async find(id: string): Promise<Payload | undefined> {
      return restore(await run("find", FIND, [kind, id]));
    },
    async findByUid(uid: string): Promise<Payload | undefined> {
      return restore(await run("find_by_uid", FIND_BY_UID, [kind, uid]));
    },
    async findByUserCode(userCode: string): Promise<Payload | undefined> {
      return restore(await run("find_by_user_code", FIND_BY_USER_CODE, [kind, userCode]));
    },
    async consume(id: string): Promise<void> {
      await run("consume", CONSUME, [kind, id]);
    },
    async destroy(id: string): Promise<void> {
      await run("destroy", DESTROY, [kind, id]);
    },
    async revokeByGrantId(grantId: string): Promise<void> {
      await run("revoke_by_grant", REVOKE_BY_GRANT, [grantId]);
    },
  });
}

function restore(result: QueryResult<Row>): Payload | undefined {
  const row = result.rows[0];
  if (row === undefined) return undefined;
  if (row.consumed_at === null) return row.payload;
  return { ...row.payload, consumed: Number(row.consumed_at) };
}
