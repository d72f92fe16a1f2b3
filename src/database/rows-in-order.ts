import type { Row } from "./database.ts";

/** The rows of a batch by their number `n`, from 0 up to `count`: undefined where the batch found nothing. */
export function rowsInOrder(count: number, rows: readonly Row[]): readonly (Row | undefined)[] {
  const byNumber = new Map(rows.map((row) => [row.n, row]));
  return Array.from({ length: count }, (_, n) => byNumber.get(n));
}
