/** Signs RS256 as fast as it can, in a process of its own: plan (signing-plan.ts) on standard input, result as one line. */
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { text } from "node:stream/consumers";
import { generateSigningKey, readPrivateKey, signBytes } from "../src/keys/algorithms.ts";
import { parseSigningPlan, type SigningPlan, type SigningResult } from "./signing-plan.ts";

/** About what header and payload of an access token have. */
const SIGNED_BYTES = 700;
const WARMUP_SECONDS = 0.3;

const plan = parseSigningPlan(await text(process.stdin));
const key = readPrivateKey((await generateSigningKey("RS256")).privateKey);
const bytes = randomBytes(SIGNED_BYTES);
await signFor(plan, key, WARMUP_SECONDS);
const startedAt = performance.now();
const signatures = await signFor(plan, key, plan.seconds);
const result: SigningResult = { signaturesPerSecond: (signatures * 1000) / (performance.now() - startedAt) };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);

async function signFor({ way, concurrency }: SigningPlan, signer: KeyObject, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let count = 0;
  if (way === "loop") {
    for (; performance.now() < end; count += 1) sign("sha256", bytes, signer);
    return count;
  }
  const signSome = async (): Promise<void> => {
    for (; performance.now() < end; count += 1) await signBytes("RS256", signer, bytes);
  };
  await Promise.all(Array.from({ length: concurrency }, signSome));
  return count;
}
