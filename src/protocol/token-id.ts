// The id of every row that expires (settled 1): 24 bytes, written as 32 base64url characters, the `jti` of a JWT.
//
//   trace id 16 | kind 1 | bucket 4, big-endian | random 3
//
// The trace id leads, so that a request's decision is a range of the primary key; the bucket is within, so that every look-up
// by id touches one partition.

export const ID_BYTES = 24;
const TRACE_ID_BYTES = 16;
const TIME_BYTES = 6;
export const ID_RANDOM_BYTES = 3;

const KIND_OFFSET = 16;
const BUCKET_OFFSET = 17;
const RANDOM_OFFSET = 21;
const KIND_MAX = 0xff;
const ID_GRAMMAR = /^[A-Za-z0-9_-]{32}$/;

/** What an id says about the row it names. The numbers are stored: never change one. */
export const ID_KINDS = { access: 1, grant: 2, authorizationRequest: 3, event: 4, decision: 5 } as const;

/** The parts of an id. */
export interface IdParts {
  /** 16 bytes: 6 of milliseconds, 10 random */
  readonly traceId: Uint8Array;
  /** 0 to 255, one of `ID_KINDS` */
  readonly kind: number;
  /** the partition, a signed 32-bit integer (`bucket.ts`) */
  readonly bucket: number;
  /** 3 bytes that tell the rows of one request apart */
  readonly random: Uint8Array;
}

/**
 * Writes an id.
 * @returns 32 base64url characters
 * @throws RangeError if a part is out of its range
 */
export function encodeId(parts: IdParts): string {
  if (parts.traceId.length !== TRACE_ID_BYTES) throw new RangeError(`a trace id has ${TRACE_ID_BYTES} bytes`);
  if (parts.random.length !== ID_RANDOM_BYTES) throw new RangeError(`an id ends with ${ID_RANDOM_BYTES} random bytes`);
  if (!Number.isInteger(parts.kind) || parts.kind < 0 || parts.kind > KIND_MAX) {
    throw new RangeError("an id's kind is one byte");
  }
  const bytes = Buffer.allocUnsafe(ID_BYTES); // every byte is written
  bytes.set(parts.traceId, 0);
  bytes.writeUInt8(parts.kind, KIND_OFFSET);
  bytes.writeInt32BE(parts.bucket, BUCKET_OFFSET);
  bytes.set(parts.random, RANDOM_OFFSET);
  return bytes.toString("base64url");
}

/**
 * The bucket within the bytes of an id.
 * @throws RangeError if they are not 24
 */
export function bucketOfBytes(bytes: Buffer): number {
  if (bytes.length !== ID_BYTES) throw new RangeError(`an id has ${ID_BYTES} bytes`);
  return bytes.readInt32BE(BUCKET_OFFSET);
}

/**
 * Reads an id. 24 bytes fill 32 characters without a remainder, so each id has one spelling.
 * @returns undefined unless the text is 32 base64url characters; whether the bucket can exist, `isLivePartitionRange` tells
 */
export function decodeId(text: string): IdParts | undefined {
  if (!ID_GRAMMAR.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return {
    traceId: bytes.subarray(0, TRACE_ID_BYTES),
    kind: bytes.readUInt8(KIND_OFFSET),
    bucket: bytes.readInt32BE(BUCKET_OFFSET),
    random: bytes.subarray(RANDOM_OFFSET),
  };
}

/** The bytes below which no id is of a request that began at this instant or later, in milliseconds of real time. */
export function lowestIdOf(ms: number): Buffer {
  const bytes = Buffer.alloc(ID_BYTES);
  bytes.writeUIntBE(Math.max(0, ms), 0, TIME_BYTES);
  return bytes;
}
