import { subjectKey } from "../protocol/subject.ts";

const ADDRESS_LENGTH_MAX = 254; // RFC 5321 §4.5.3.1.3, without the angle brackets
// Whether mail arrives there only mail can tell; this keeps lists, names, comments and headers out (CWE-93).
const ADDRESS = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;

/** The key of an address that somebody typed, in which addresses are compared (rule 2). Undefined: it cannot be an address. */
export function readEmailKey(typed: string | undefined): string | undefined {
  const key = subjectKey((typed ?? "").trim());
  return key.length <= ADDRESS_LENGTH_MAX && ADDRESS.test(key) ? key : undefined;
}
