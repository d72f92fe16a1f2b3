import { bucketFor, partitionOf } from "../../src/protocol/bucket.ts";
import { columnsOf, type Session } from "./rows.ts";

const LIFETIME_SECONDS = 60;
const BUCKET_SECONDS = 300;

/** Makes partitions whose rows are all over, full of copies of a token; the partition job would drop them at its next run. */
export async function makeExpired(
  session: Session,
  from: Buffer,
  size: { partitions: number; rowsEach: number },
): Promise<void> {
  const now = Math.floor(Date.now() / 1_000);
  const columns = await columnsOf(session, "tokens");
  for (let nth = 0; nth < size.partitions; nth += 1) {
    const issuedAt = now - (nth + 2) * BUCKET_SECONDS;
    const range = partitionOf(bucketFor(issuedAt, LIFETIME_SECONDS));
    const name = `tokens_${range.suffix}`;
    const made: Record<string, string> = {
      id: `decode(lpad(to_hex($1::bigint * 1000 + n % 1000), 12, '0') || md5(n::text), 'hex') || int2send((n % 32768)::smallint)`,
      bucket: String(range.from),
      issued_at: "$1",
      not_before: "$1",
      expires_at: `$1 + ${LIFETIME_SECONDS}`,
      issued_expires_at: `$1 + ${LIFETIME_SECONDS}`,
    };
    const values = columns.map((column) => made[column] ?? `t.${column}`);
    await session.query(`CREATE TABLE ${name} (LIKE tokens INCLUDING ALL)`);
    await session.query(
      `INSERT INTO ${name} (${columns.join(", ")}) SELECT ${values.join(", ")}
       FROM (SELECT * FROM tokens WHERE id = $2) t CROSS JOIN generate_series(1, $3::integer) n`,
      [issuedAt, from, size.rowsEach],
    );
    await session.query(`ALTER TABLE tokens ATTACH PARTITION ${name} FOR VALUES FROM (${range.from}) TO (${range.to})`);
  }
}
