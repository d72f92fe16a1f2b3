import { describeDuration } from "./duration.ts";
import { listOf, numberOf, objectOf, textOf } from "./json.ts";

/** A lifetime's ledger as rows of a table: every ceiling that was considered, and which was the smallest. */
export function describeLedger(ledger: unknown): [string, string][] {
  return listOf(ledger, "ceilings").map((ceiling): [string, string] => {
    const name = (textOf(ceiling, "name") ?? "").replace("_", " ");
    const won = objectOf(ceiling).won === true ? ", the smallest" : "";
    return ["ceiling", `${describeDuration(numberOf(ceiling, "seconds") ?? 0)}, ${name}${won}`];
  });
}
