import { randomBytes, randomInt } from "node:crypto";

/** The process's source of entropy, injected so that nothing else reaches for one. */
export interface Random {
  /** Cryptographically strong bytes. */
  bytes(size: number): Buffer;
  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number;
}

const POOL_BYTES = 4096;

/** Node's CSPRNG, drawn in blocks: ids need a few bytes a request, and each draw is a call into OpenSSL. */
export function createRandom(): Random {
  let pool = Buffer.alloc(0);
  let used = 0;
  return {
    bytes: (size) => {
      if (size > POOL_BYTES) return randomBytes(size);
      if (used + size > pool.length) {
        pool = randomBytes(POOL_BYTES);
        used = 0;
      }
      used += size;
      return Buffer.from(pool.subarray(used - size, used));
    },
    below: (limit) => randomInt(limit),
  };
}

/** 16 lowercase hexadecimal digits: the shape of tenant, realm, group, identity and role ids (reference 2.1). */
export function hexId(random: Random): string {
  return random.bytes(8).toString("hex");
}

/** A version 4 UUID: the shape of application, resource server and authenticator config ids (reference 2.1). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
