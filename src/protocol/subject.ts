// Names that may become a `sub`: they must be unique, and no client may pass for a person (rule 2).

import { HEX_ID } from "./id-grammar.ts";

const CLIENT_ID_GRAMMAR = /^[A-Za-z0-9_-]{3,64}$/;
const SUBJECT_GRAMMAR = /^[\x20-\x7E]{1,255}$/;

/**
 * The form in which names are compared: lower-cased NFC (rule 2). Stored in a column of its own (settled 9).
 * Two spellings with one key are one name; the key of a key is itself.
 */
export function subjectKey(text: string): string {
  // Lower-casing may leave NFC (U+0130 becomes two characters) and composing may leave lower case: until neither changes it.
  const key = text.normalize("NFC").toLowerCase().normalize("NFC");
  return key === text ? key : subjectKey(key);
}

/** Whether a name may be a `sub`: 255 ASCII characters at most (OIDC Core §2). */
export function isSubject(name: string): boolean {
  return SUBJECT_GRAMMAR.test(name);
}

/**
 * Judges a chosen `client_id` (rule 2). Whether it equals a user name of the realm, the caller must see.
 * @returns why it is refused, or undefined
 */
export function checkClientId(value: string): string | undefined {
  if (!CLIENT_ID_GRAMMAR.test(value)) return "must be 3 to 64 letters, digits, hyphens or underscores";
  // A client's `sub` is its client_id, an identity's by default its id: they must never be equal.
  if (HEX_ID.test(value.toLowerCase())) return "must not be 16 hexadecimal digits, the form of an identity's id";
  return undefined;
}
