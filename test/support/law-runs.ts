/**
 * How often a law is tried: so often by `npm test`, and ten times as often by `npm run bench laws -- --full`, which sets
 * `MAYFLY_TEST_LAWS_TIMES`.
 */
export function lawRuns(runs: number): number {
  return runs * Number(process.env.MAYFLY_TEST_LAWS_TIMES ?? 1);
}
