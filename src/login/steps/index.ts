import { confirm } from "./confirm.ts";
import { consent } from "./consent.ts";
import { emailCode } from "./email-code.ts";
import { passkey } from "./passkey.ts";
import { passkeyOffer } from "./passkey-offer.ts";
import type { LoginStep } from "./step.ts";

/** Every login step. Adding one is a file and a line. */
export const LOGIN_STEPS: readonly LoginStep[] = [emailCode, passkey, passkeyOffer, confirm, consent];
