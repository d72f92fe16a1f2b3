import { bucketOfBytes } from "../protocol/token-id.ts";

// Rows that expire are named by 24 bytes, written as 32 base64url characters, that carry their partition's bucket. Batches
// travel as JSON, where PostgreSQL reads bytes in hexadecimal.

/** The two columns of the primary key that an id fills, as a JSON batch writes them. */
export function idColumns(id: string): { id: string; bucket: number } {
  const bytes = Buffer.from(id, "base64url");
  return { id: hexOf(bytes), bucket: bucketOfBytes(bytes) };
}

/** An id as PostgreSQL reads bytes in text. */
export function bytea(id: string): string {
  return hexOf(Buffer.from(id, "base64url"));
}

/** The bucket that an id carries. Throws on a text that is no id: what comes from outside is judged before. */
export function bucketOf(id: string): number {
  return bucketOfBytes(Buffer.from(id, "base64url"));
}

/**
 * The lowest and the highest bucket of these ids, for the two parameters of a batch's BETWEEN: known before it starts, they keep
 * PostgreSQL from preparing to look into every partition that there is. Nothing is between the two of an empty list.
 */
export function bucketRange(ids: readonly string[]): readonly [number, number] {
  const buckets = ids.map(bucketOf);
  return buckets.length === 0 ? [0, -1] : [Math.min(...buckets), Math.max(...buckets)];
}

/** Bytes as PostgreSQL reads them in text. */
export function hexOf(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;
}
