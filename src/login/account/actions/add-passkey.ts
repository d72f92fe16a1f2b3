import { newChallenge } from "../../../resources/authorization-request/rules.ts";
import { setSessionChallenge, spendSessionChallenge } from "../../../resources/session/queries.ts";
import { makePasskey, type PasskeyProblem } from "../../passkey/make.ts";
import { beginRegistration, type RegistrationPlace } from "../../passkey/register.ts";
import { addPasskeyPage } from "../add-passkey-page.ts";
import { findPasskeyPlace } from "../passkey-place.ts";
import type { AccountVisit } from "../visit.ts";
import type { AccountAction, ActionResult } from "./action.ts";

/** The person wants another passkey: the page that makes it has a challenge of its own, which the session keeps until it is answered. */
export const addPasskey: AccountAction = {
  name: "add_passkey",
  needsRecent: true,
  changesPasskeys: true,
  act: (visit) => ask(visit, undefined),
};

/** The browser has made it. */
export const createPasskey: AccountAction = {
  name: "create",
  needsRecent: true,
  changesPasskeys: true,
  act: async (visit, fields) => {
    const { services, session, http, realm } = visit;
    const { challenge } = session;
    const place = challenge === undefined ? undefined : placeFor(visit, challenge);
    if (place === undefined) return ask(visit, "failed");
    const owner = { ...realm, identityId: session.identityId };
    const wish = { sent: fields.get("credential"), place, owner, http };
    const made = await makePasskey(services, wish, async (db, store) => {
      if (!(await spendSessionChallenge(db, session, place.challenge))) return "failed";
      return (await store()) === undefined ? "full" : "added";
    });
    if (made.kind === "made" && made.value === "added") return { kind: "done", notice: "passkeyAdded" };
    const why = made.kind === "refused" ? made.why : made.value === "full" ? "full" : "failed";
    const cause = made.kind === "refused" ? made.cause : "answered before, or too many";
    services.deps.log.info({ cause, trace_id: http.traceId.toString("hex") }, "a passkey was not added");
    return ask(visit, why);
  },
};

async function ask(visit: AccountVisit, problem: PasskeyProblem | undefined): Promise<ActionResult> {
  const { services, session, identity, realm } = visit;
  const { random, database } = services.deps;
  const db = database.tenants([realm.tenantId]);
  const place = placeFor(visit, newChallenge(random));
  const isSet = place !== undefined && (await setSessionChallenge(db, session, place.challenge));
  const creation = isSet ? await beginRegistration(db, identity, place) : undefined;
  return { kind: "page", page: addPasskeyPage(visit, { creation, problem }) };
}

function placeFor(visit: AccountVisit, challenge: string): RegistrationPlace | undefined {
  const place = findPasskeyPlace(visit);
  return place && { ...place, challenge, realmName: visit.realmName, authenticatorConfigId: undefined };
}
