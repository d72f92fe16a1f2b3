import { type Static, Type } from "typebox";

/** What a mail is for. */
export type MailKind = "ONE_TIME_CODE" | "BINDING_LINK" | "PASSKEY_ADDED" | "PASSKEY_REMOVED";

/**
 * Where a mail is: FAILED when the mail server will never take it, GIVEN_UP when it was tried as often as it may be, or has become
 * pointless before.
 */
export type MailState = "QUEUED" | "SENT" | "FAILED" | "GIVEN_UP";

/** What is sealed of a mail: nothing of it stands in the database in the clear. */
export const MailContent = Type.Object({
  to: Type.String(),
  subject: Type.String(),
  text: Type.String(),
  html: Type.Optional(Type.String()),
  /** of a mail with a one-time code: the hash that the code has while it works, in hex */
  codeHash: Type.Optional(Type.String()),
});
export type MailContent = Static<typeof MailContent>;
