import assert from "node:assert/strict";
import { type RefusalCode, TokenRefused, type Verifier } from "../../src/verifier/verifier.ts";

/** A verifier refuses a token, for this reason. */
export async function assertRefusedToken(verifier: Verifier, token: string, code: RefusalCode): Promise<void> {
  await assert.rejects(verifier.verify(token), (error) => {
    assert.ok(error instanceof TokenRefused, String(error));
    assert.equal(error.code, code);
    return true;
  });
}
