import type { Queryable } from "../../database/database.ts";
import { isConflict } from "../../database/database-error.ts";
import { type HttpRequest, headerOf } from "../../http/route.ts";
import type { Texts } from "../../http/texts/index.ts";
import type { CeremonyRefused } from "../../protocol/webauthn/ceremony.ts";
import { passkeyTypeOf } from "../../protocol/webauthn/passkey-methods.ts";
import { deliverSoon } from "../../resources/deliver-mail.ts";
import { transactionWithEvents } from "../../resources/event-transaction.ts";
import type { IdentityKey } from "../../resources/identity/queries.ts";
import { judgeByPolicy } from "../../resources/judge-by-policy.ts";
import type { OutgoingMailKey } from "../../resources/outgoing-mail/queries.ts";
import type { LoginServices } from "../services.ts";
import { finishRegistration, type RegistrationPlace, storePasskey } from "./register.ts";

/** Why a passkey was not made, as pages say it. */
export type PasskeyProblem = keyof Texts["passkey"]["problem"];

/** What a browser made, for whom, and where that is recorded. */
export interface MadePasskey {
  /** as JSON */
  readonly sent: string | undefined;
  readonly place: RegistrationPlace;
  readonly owner: IdentityKey;
  readonly http: HttpRequest;
  readonly applicationId?: string | undefined;
  /** the authorization request that it belongs to */
  readonly requestId?: string | undefined;
}

/** A passkey that was not stored. */
export interface PasskeyRefused {
  readonly kind: "refused";
  readonly why: PasskeyProblem;
  readonly cause: string;
  /** for a decision: of the policy's judgement */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Stores a passkey that a browser made, wherever that is asked for: the ceremony is verified, the realm's policy judges the registration,
 * and the passkey is stored with its event and the mail that tells the owner.
 *
 * @param within spends what allows it to be made and stores it, in one transaction; `store` answers the passkey's id,
 *   or undefined where the person has as many as there may be, or may not log in any more
 */
export async function makePasskey<T>(
  services: LoginServices,
  made: MadePasskey,
  within: (db: Queryable, store: () => Promise<string | undefined>) => Promise<T>,
): Promise<{ readonly kind: "made"; readonly value: T } | PasskeyRefused> {
  const { sent, place, owner, http, applicationId, requestId } = made;
  const { tenantId, realmId, identityId } = owner;
  const passkey = await finishRegistration(sent, place);
  if (!passkey.ok) return refused("failed", passkey.cause);
  const judged = await judgeByPolicy(services, {
    ...{ realm: { tenantId, realmId }, type: "registration", applicationId, identityId, http, requestId },
    credentialType: passkeyTypeOf(passkey.isUserVerified),
  });
  if (judged.action === "DENY") return refused("denied", "the policy of the realm denies it", judged.facts);
  const actor = { type: "Identity", id: identityId } as const;
  const userAgent = headerOf(http, "user-agent");
  const stored = { passkey, owner, place, actor, traceId: http.traceId, userAgent };
  let noticeKey: OutgoingMailKey | undefined;
  try {
    const value = await transactionWithEvents(services.deps, tenantId, (db) =>
      within(db, async () => {
        const kept = await storePasskey(services, db, stored);
        noticeKey = kept?.noticeKey;
        return kept?.credentialId;
      }),
    );
    deliverSoon(services.afterReply, services.deps, noticeKey);
    return { kind: "made", value };
  } catch (error) {
    if (!isConflict(error, "credentials_webauthn_id")) throw error;
    return refused("known", "the realm knows the passkey already");
  }
}

function refused(why: PasskeyProblem, cause: CeremonyRefused["cause"], facts = {}): PasskeyRefused {
  return { kind: "refused", why, cause, facts };
}
