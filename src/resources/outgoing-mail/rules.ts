import { Compile } from "typebox/compile";
import { SEND_MS_MAX } from "../../platform/mail.ts";
import type { Sealer } from "../../platform/seal.ts";
import type { OutgoingMailKey } from "./queries.ts";
import { MailContent } from "./schema.ts";

/** Seconds until a mail that could not be sent is tried again, after each attempt; after the last it is given up. About 16 hours. */
const RETRY_SECONDS = [10, 30, 120, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800];

/**
 * Whoever tries a mail keeps it from others so long: longer than sending may take, and short enough that a code is worth something
 * when its node has died.
 */
export const CLAIM_MS = 2 * SEND_MS_MAX;

/** So long what became of a mail can be seen. */
export const KEPT_MS = 7 * 86_400_000;

/** When a mail that could not be sent at its nth attempt is tried again, in milliseconds of real time; undefined: never. */
export function nextAttemptAtMs(attempts: number, nowMs: number): number | undefined {
  const seconds = RETRY_SECONDS[attempts - 1];
  return seconds === undefined ? undefined : nowMs + seconds * 1_000;
}

const validator = Compile(MailContent);

/** Seals what a mail says, and to whom, to the row that it is stored in. */
export function sealMail(sealer: Sealer, key: OutgoingMailKey, content: MailContent): Buffer {
  return sealer.seal(Buffer.from(JSON.stringify(content), "utf8"), placeOf(key));
}

/** Opens what was sealed. Throws when no configured master key fits. */
export function openMail(sealer: Sealer, key: OutgoingMailKey, sealed: Uint8Array): MailContent {
  const content: unknown = JSON.parse(sealer.open(sealed, placeOf(key)).toString("utf8"));
  if (!validator.Check(content)) throw new Error("what was sealed is no mail");
  return content;
}

function placeOf({ tenantId, realmId, mailId }: OutgoingMailKey): readonly string[] {
  return ["outgoing-mail", tenantId, realmId, mailId];
}
