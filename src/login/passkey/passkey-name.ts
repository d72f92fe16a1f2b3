/** Characters of a passkey's name (Unicode code points). */
export const PASSKEY_NAME_MAX = 64;

// Controls, halves of characters, and what turns the text around it: a name is one line among others.
const UNSPEAKABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

/** The name that a person gives a passkey, as it is kept. Undefined: it is none. */
export function readPasskeyName(typed: string | undefined): string | undefined {
  const name = (typed ?? "").normalize("NFC").trim().replace(/ +/g, " ");
  const isName = VISIBLE.test(name) && !UNSPEAKABLE.test(name) && [...name].length <= PASSKEY_NAME_MAX;
  return isName ? name : undefined;
}
