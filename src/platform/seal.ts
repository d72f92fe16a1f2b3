import { createCipheriv, createDecipheriv, createHash, hkdfSync } from "node:crypto";
import type { Random } from "./random.ts";

/** Encrypts what must be readable again (private keys, client secrets) under the master key. */
export interface Sealer {
  /** Seals bytes to a place: `context` (tenant, realm, key id …) must be the same to open them. */
  seal(plain: Uint8Array, context: readonly string[]): Buffer;
  /** Opens what was sealed. Throws when no configured master key fits, or the bytes or the context were changed. */
  open(sealed: Uint8Array, context: readonly string[]): Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

/**
 * AES-256-GCM. Every ciphertext begins with four bytes that name its master key, so that several keys can be configured
 * while one replaces the other.
 *
 * @param masterKeys secrets of at least 32 bytes; the first encrypts, all decrypt
 */
export function createSealer(masterKeys: readonly Uint8Array[], random: Random): Sealer {
  const keys = masterKeys.map((secret) => ({
    id: createHash("sha256").update("mayfly master key id").update(secret).digest().subarray(0, KEY_ID_BYTES),
    key: Buffer.from(hkdfSync("sha256", secret, "", "mayfly seal aes-256-gcm", 32)),
  }));
  const first = keys[0];
  if (first === undefined) throw new Error("a sealer needs at least one master key");
  return {
    seal: (plain, context) => {
      const nonce = random.bytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", first.key, nonce).setAAD(associatedData(context));
      return Buffer.concat([first.id, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed, context) => {
      const bytes = Buffer.from(sealed);
      const key = keys.find((candidate) => candidate.id.equals(bytes.subarray(0, KEY_ID_BYTES)));
      if (key === undefined) throw new Error("sealed under a master key that is not configured");
      const nonce = bytes.subarray(KEY_ID_BYTES, KEY_ID_BYTES + NONCE_BYTES);
      const body = bytes.subarray(KEY_ID_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key.key, nonce)
        .setAAD(associatedData(context))
        .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      return Buffer.concat([decipher.update(body), decipher.final()]);
    },
  };
}

// JSON keeps ["a", "bc"] and ["ab", "c"] apart, which joining would not.
function associatedData(context: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(context), "utf8");
}
