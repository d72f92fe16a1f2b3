import { isConflict } from "../../database/database-error.ts";
import type { Page } from "../../http/pages.ts";
import { headerOf } from "../../http/route.ts";
import { passkeyTypeOf } from "../../protocol/webauthn/passkey-methods.ts";
import { passAuthorizationRequestOffer } from "../../resources/authorization-request/queries.ts";
import { deliverSoon } from "../../resources/deliver-mail.ts";
import { transactionWithEvents } from "../../resources/event-transaction.ts";
import { findIdentity, type Identity, type IdentityKey } from "../../resources/identity/queries.ts";
import { decideNext } from "../decide-next.ts";
import { registrationPlaceOf } from "../passkey/offer.ts";
import {
  beginRegistration,
  finishRegistration,
  type NewPasskey,
  type RegistrationPlace,
  storePasskey,
} from "../passkey/register.ts";
import { judgeVisit } from "../policy.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { type Offer, offerPage } from "./passkey-offer-page.ts";
import type { LoginStep, StepResult } from "./step.ts";
import { whenAllowed } from "./when-allowed.ts";

/** Who has logged in by mail is asked to make a passkey for the next time (reference 3.4). It is never demanded. */
export const passkeyOffer: LoginStep = {
  methods: undefined,
  states: ["offer"],
  actions: ["create", "later"],
  show: (visit) => showOffer(visit),
  submit: async (visit, fields) => {
    const place = registrationPlaceOf(visit);
    if (fields.get("action") === "later" || place === undefined) return whenAllowed(visit, () => later(visit));
    const passkey = await finishRegistration(fields.get("credential"), place);
    if (!passkey.ok) {
      recordLogin(visit, "passkey_not_made", { cause: passkey.cause, identity_id: visit.stored.identityId });
      return { kind: "page", page: await showOffer(visit, "failed") };
    }
    const owner = ownerOf(visit);
    const credentialType = passkeyTypeOf(passkey.isUserVerified);
    const judged = await judgeVisit(visit, { type: "registration", identityId: owner.identityId, credentialType });
    if (judged.action === "DENY") {
      recordLogin(visit, "passkey_not_made", { cause: "the policy of the realm denies it", ...judged.facts });
      return { kind: "page", page: await showOffer(visit, "denied") };
    }
    const actor = { type: "Identity", id: owner.identityId } as const;
    const userAgent = headerOf(visit.http, "user-agent");
    const made = { passkey, owner, place, actor, traceId: visit.http.traceId, userAgent };
    return whenAllowed(visit, () => store(visit, made));
  },
};

async function showOffer(visit: Visit, problem?: Offer["problem"]): Promise<Page> {
  const place = registrationPlaceOf(visit);
  const identity = await findIdentity(dbOf(visit), ownerOf(visit));
  const creation = place && identity && (await optionsFor(visit, identity, place));
  return offerPage(visit, { creation, problem });
}

function optionsFor(visit: Visit, identity: Identity, place: RegistrationPlace) {
  return beginRegistration(dbOf(visit), identity, place);
}

async function later(visit: Visit): Promise<StepResult> {
  const after = await decideNext(visit, ownerOf(visit).identityId);
  const passed = await passAuthorizationRequestOffer(dbOf(visit), visit.stored, { ...after, now: visit.now });
  return { kind: "moved", stored: passed ?? visit.stored };
}

async function store(visit: Visit, made: NewPasskey): Promise<StepResult> {
  const { services, stored, now } = visit;
  const after = await decideNext(visit, made.owner.identityId);
  try {
    const outcome = await transactionWithEvents(services.deps, stored.tenantId, async (db) => {
      const passed = await passAuthorizationRequestOffer(db, stored, { ...after, now });
      return { passed, passkey: passed && (await storePasskey(services, db, made)) };
    });
    if (outcome.passkey !== undefined) {
      const { credentialId, noticeKey } = outcome.passkey;
      deliverSoon(services.afterReply, services.deps, noticeKey);
      recordLogin(visit, "passkey_made", { identity_id: made.owner.identityId, credential_id: credentialId });
    }
    return { kind: "moved", stored: outcome.passed ?? stored };
  } catch (error) {
    if (!isConflict(error, "credentials_webauthn_id")) throw error;
    recordLogin(visit, "passkey_not_made", { cause: "the realm knows it already", identity_id: made.owner.identityId });
    return { kind: "page", page: await showOffer(visit, "known") };
  }
}

function ownerOf({ stored }: Visit): IdentityKey {
  const { tenantId, realmId, identityId } = stored;
  if (identityId === undefined) throw new Error("a login that offers a passkey knows no person");
  return { tenantId, realmId, identityId };
}

function dbOf(visit: Visit) {
  return visit.services.deps.database.tenants([visit.stored.tenantId]);
}
