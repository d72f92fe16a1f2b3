import type { Page } from "../../http/pages.ts";
import { passAuthorizationRequestOffer } from "../../resources/authorization-request/queries.ts";
import { findIdentity, type IdentityKey } from "../../resources/identity/queries.ts";
import { decideNext } from "../decide-next.ts";
import { makePasskey } from "../passkey/make.ts";
import { registrationPlaceOf } from "../passkey/offer.ts";
import { beginRegistration, type RegistrationPlace } from "../passkey/register.ts";
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
    return whenAllowed(visit, () => make(visit, fields.get("credential"), place));
  },
};

async function showOffer(visit: Visit, problem?: Offer["problem"]): Promise<Page> {
  const place = registrationPlaceOf(visit);
  const identity = await findIdentity(dbOf(visit), ownerOf(visit));
  const creation = place && identity && (await beginRegistration(dbOf(visit), identity, place));
  return offerPage(visit, { creation, problem });
}

async function later(visit: Visit): Promise<StepResult> {
  const after = await decideNext(visit, ownerOf(visit).identityId);
  const passed = await passAuthorizationRequestOffer(dbOf(visit), visit.stored, { ...after, now: visit.now });
  return { kind: "moved", stored: passed ?? visit.stored };
}

async function make(visit: Visit, sent: string | undefined, place: RegistrationPlace): Promise<StepResult> {
  const { services, stored, now, http, context } = visit;
  const owner = ownerOf(visit);
  const { identityId } = owner;
  const after = await decideNext(visit, identityId);
  const { applicationId } = context.key;
  const wish = { sent, place, owner, http, applicationId, requestId: stored.id };
  const made = await makePasskey(services, wish, async (db, store) => {
    const passed = await passAuthorizationRequestOffer(db, stored, { ...after, now });
    return passed && { passed, credentialId: await store() };
  });
  if (made.kind === "refused") {
    const { cause, facts, why } = made;
    recordLogin(visit, "passkey_not_made", { cause, identity_id: identityId, ...facts });
    return { kind: "page", page: await showOffer(visit, why) };
  }
  const { value } = made;
  const credentialId = value?.credentialId;
  if (credentialId !== undefined) {
    recordLogin(visit, "passkey_made", { identity_id: identityId, credential_id: credentialId });
  }
  return { kind: "moved", stored: value?.passed ?? stored };
}

function ownerOf({ stored }: Visit): IdentityKey {
  const { tenantId, realmId, identityId } = stored;
  if (identityId === undefined) throw new Error("a login that offers a passkey knows no person");
  return { tenantId, realmId, identityId };
}

function dbOf(visit: Visit) {
  return visit.services.deps.database.tenants([visit.stored.tenantId]);
}
