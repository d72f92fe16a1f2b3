import { ACR } from "../../protocol/acr.ts";
import { type UsedPasskey, verifyAuthentication } from "../../protocol/webauthn/ceremony.ts";
import { passkeyTypeOf } from "../../protocol/webauthn/passkey-methods.ts";
import { type AuthenticationResponse, readAuthenticationResponse } from "../../protocol/webauthn/responses.ts";
import { userHandleOf } from "../../protocol/webauthn/user-handle.ts";
import { verifyAuthorizationRequestByPasskey } from "../../resources/authorization-request/queries.ts";
import { newChallenge } from "../../resources/authorization-request/rules.ts";
import type { Authentication } from "../../resources/authorization-request/schema.ts";
import { type Credential, findCredentialByWebauthnId, useCredential } from "../../resources/credential/queries.ts";
import { admitLogin } from "../admit-login.ts";
import { decideNext } from "../decide-next.ts";
import { passkeyPlaceOf } from "../passkey/place.ts";
import { judgeVisit } from "../policy.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { denyLogin } from "./deny.ts";
import { signInPage } from "./sign-in-page.ts";
import type { LoginStep, StepResult } from "./step.ts";

/** Login by a passkey (WebAuthn Level 3 §7.2): whose it is says the passkey itself. */
export const passkey: LoginStep = {
  methods: ["webauthn_passkey", "fido2"],
  states: ["email", "code"],
  actions: ["passkey"],
  show: (visit) => signInPage(visit, { typed: visit.stored.parameters.loginHint }),
  submit: async (visit, fields) => {
    const place = passkeyPlaceOf(visit);
    const { challenge } = visit.stored;
    if (place === undefined || challenge === undefined) return { kind: "moved", stored: visit.stored };
    const response = readAuthenticationResponse(fields.get("credential"));
    if (response === undefined) return refuse(visit, { cause: "the browser's answer cannot be read" });
    const credential = await findPasskey(visit, response, place.relyingParty.id);
    if ("cause" in credential) return refuse(visit, credential);
    const { publicJwk, webauthn } = credential;
    const known = { publicJwk, isBackupEligible: webauthn?.isBackupEligible === true };
    const used = await verifyAuthentication(response, known, { ...place, challenge });
    return used.ok
      ? logIn(visit, { credential, used, challenge })
      : refuse(visit, { cause: used.cause, ...named(credential) });
  },
};

interface Refused {
  readonly cause: string;
  readonly credential_id?: string;
  readonly identity_id?: string;
}

async function findPasskey(
  visit: Visit,
  { id, response }: AuthenticationResponse,
  rpId: string,
): Promise<Credential | Refused> {
  const db = visit.services.deps.database.tenants([visit.stored.tenantId]);
  const credential = await findCredentialByWebauthnId(db, visit.stored, Buffer.from(id, "base64url"));
  if (credential === undefined) return { cause: "nobody in this realm has this passkey" };
  if (credential.state !== "ACTIVE") return { cause: "the passkey was revoked", ...named(credential) };
  if (credential.webauthn?.rpId !== rpId) return { cause: "the passkey is another site's", ...named(credential) };
  // §7.2 step 6: nobody was named before, so that the authenticator says whose it is, and that must fit what is known here.
  const handle = userHandleOf({ ...credential.key, identityId: credential.identityId }).toString("base64url");
  if (response.userHandle !== handle) {
    return { cause: "the authenticator names another person, or nobody", ...named(credential) };
  }
  return credential;
}

interface Proved {
  readonly credential: Credential;
  readonly used: UsedPasskey;
  readonly challenge: string;
}

/** The passkey was right: it is noted as used, and its person known. */
async function logIn(visit: Visit, { credential, used, challenge }: Proved): Promise<StepResult> {
  const { database, clock, random } = visit.services.deps;
  const { stored, now } = visit;
  const authentication: Authentication = { authTime: now, amr: amrOf(used), acr: acrOf(used) };
  const { signCount, isBackedUp } = used;
  const { identityId } = credential;
  const credentialType = passkeyTypeOf(used.isUserVerified);
  const judged = await judgeVisit(visit, { type: "authentication", identityId, credentialType });
  if (judged.action === "DENY") return denyLogin(visit, { ...named(credential), ...judged.facts });
  const after = await decideNext(visit, identityId);
  const outcome = await database.transaction([stored.tenantId], async (db) => {
    if (!(await useCredential(db, credential, { signCount, isBackedUp, atMs: clock.nowMs() }))) return "refused";
    return verifyAuthorizationRequestByPasskey(db, stored, {
      ...{ challenge, nextChallenge: newChallenge(random) },
      ...{ identityId, authentication, now },
      ...after,
    });
  });
  if (outcome === "refused") {
    return refuse(visit, { cause: "revoked, a person who may not log in, or a copy", ...named(credential) });
  }
  if (outcome !== undefined) {
    const { amr, acr } = authentication;
    recordLogin(visit, "logged_in", {
      ...named(credential),
      ...{ amr, acr, method: credentialType, ...describeCount(credential, signCount) },
      ...judged.facts,
    });
  }
  return { kind: "moved", stored: outcome ?? stored };
}

// Reference 3.5: of a key that is copied a count that goes back is no proof of another copy, but told.
function describeCount({ webauthn }: Credential, signCount: number): Readonly<Record<string, number>> {
  const before = webauthn?.signCount ?? 0;
  return { sign_count: signCount, ...(signCount < before && { sign_count_before: before }) };
}

// One wording whatever was wrong: an unknown passkey, one that was revoked, an account that cannot log in.
async function refuse(visit: Visit, refused: Refused): Promise<StepResult> {
  await countFailure(visit);
  recordLogin(visit, "passkey_refused", { ...refused });
  const page = signInPage(visit, { typed: visit.stored.parameters.loginHint, problem: "passkey" });
  return { kind: "page", page, why: "wrong_passkey" };
}

// Nobody guesses a signature, but each attempt costs work and a record. The right passkey is not counted, and works however many fail.
function countFailure(visit: Visit): Promise<void> {
  const { services, context, http } = visit;
  return admitLogin(services, { realm: context.key, http }, (limit) => recordLogin(visit, "limit_reached", { limit }));
}

// RFC 8176 §2: a key that never leaves its hardware, or one that is copied between devices; a person was there.
function amrOf({ isBackupEligible }: UsedPasskey): readonly string[] {
  return [isBackupEligible ? "swk" : "hwk", "user"];
}

function acrOf({ isUserVerified }: UsedPasskey): string {
  return isUserVerified ? ACR.verifiedPasskey : ACR.passkey;
}

function named({ key, identityId }: Credential): { readonly credential_id: string; readonly identity_id: string } {
  return { credential_id: key.credentialId, identity_id: identityId };
}
