import { sha256 } from "../../platform/hash.ts";
import { type ConsentTerms, readChosenSeconds } from "../../protocol/consent.ts";
import { hasGrownTooOld } from "../../protocol/session.ts";
import { agreeToAuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import type { EarlierYes } from "../../resources/authorization-request/schema.ts";
import { findConsent } from "../../resources/consent/queries.ts";
import { readTerms } from "../../resources/judge-consent.ts";
import { forgetPerson } from "../forget-person.ts";
import { demandApplication } from "../login-context.ts";
import { readPersonName } from "../person-name.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { type ConsentProblem, consentPage } from "./consent-page.ts";
import type { LoginStep, StepResult } from "./step.ts";
import { whenAllowed } from "./when-allowed.ts";

/** The person is known and is asked whether the client may have what it asks for, and for how long (OIDC Core §3.1.2.4). */
export const consent: LoginStep = {
  methods: undefined,
  states: ["consent"],
  actions: ["allow", "other_account"],
  show: async (visit) => show(visit, await readAsked(visit)),
  submit: async (visit, fields) => {
    const { stored } = visit;
    switch (fields.get("action")) {
      case "allow":
        return allow(visit, {
          asked: fields.get("asked"),
          lifetime: fields.get("lifetime"),
          renewal: fields.get("renewal"),
        });
      case "other_account":
        return { kind: "moved", stored: (await forgetPerson(visit)) ?? stored };
      default:
        return { kind: "moved", stored };
    }
  },
};

/** What is asked of whom, as it is at this moment. */
interface Asked {
  readonly identityId: string;
  readonly terms: ConsentTerms;
  /** tells terms apart: what was shown from what has become of it */
  readonly mark: string;
}

async function readAsked({ stored, services, context }: Visit): Promise<Asked> {
  const { tenantId, identityId, parameters } = stored;
  if (identityId === undefined) throw new Error("a login that waits for a person's consent knows no person");
  const terms = await readTerms(services.deps.database.tenants([tenantId]), demandApplication(context), {
    identityId,
    parameters,
  });
  return { identityId, terms, mark: sha256(JSON.stringify(terms)).toString("base64url") };
}

async function allow(
  visit: Visit,
  sent: Readonly<Record<"asked" | "lifetime" | "renewal", string | undefined>>,
): Promise<StepResult> {
  const asked = await readAsked(visit);
  // The application or the person's roles have become others while the page was looked at: nobody agrees to what was not shown.
  if (sent.asked !== asked.mark) return { kind: "page", page: await show(visit, asked, "changed") };
  const { terms } = asked;
  const maximumSeconds = readChosenSeconds(sent.lifetime, terms.maximumSeconds, floorOf(visit));
  if (maximumSeconds === undefined) return { kind: "page", page: await show(visit, asked, "lifetime") };
  const renewalSeconds = readChosenSeconds(sent.renewal, terms.renewalSeconds, 1);
  if (renewalSeconds === undefined) return { kind: "page", page: await show(visit, asked, "renewal") };
  const consent = { ...terms, maximumSeconds, renewalSeconds, isRemembered: false };
  return whenAllowed(visit, (facts) => agree(visit, { identityId: asked.identityId, consent }, facts));
}

async function agree(visit: Visit, yes: EarlierYes, facts: Readonly<Record<string, unknown>>): Promise<StepResult> {
  const { parameters, authentication } = visit.stored;
  const { consent: given } = yes;
  const authTime = authentication?.authTime ?? 0;
  const db = visit.services.deps.database.tenants([visit.stored.tenantId]);
  // Nobody is asked the same twice: the yes is kept until its person has logged in again.
  const stored = hasGrownTooOld(parameters.maxAgeSeconds, authTime, visit.now)
    ? await forgetPerson(visit, yes)
    : await agreeToAuthorizationRequest(db, visit.stored, { consent: given, now: visit.now });
  if (stored !== undefined) {
    const { scope, claims, maximumSeconds: max_seconds, renewalSeconds: renewal_seconds } = given;
    const agreed = { scope, claims, max_seconds, renewal_seconds };
    recordLogin(visit, "consented", { identity_id: yes.identityId, ...agreed, ...facts });
  }
  return { kind: "moved", stored: stored ?? visit.stored };
}

async function show(visit: Visit, { identityId, terms, mark }: Asked, problem?: ConsentProblem) {
  const db = visit.services.deps.database.tenants([visit.stored.tenantId]);
  const earlier = await findConsent(db, { ...demandApplication(visit.context).key, identityId });
  return consentPage(visit, {
    person: await readPersonName(visit),
    terms,
    mark,
    floorSeconds: floorOf(visit),
    chosenSeconds: earlier?.maximumSeconds,
    chosenRenewalSeconds: earlier?.renewalSeconds,
    problem,
  });
}

// A client could not ask for anything shorter.
function floorOf({ context }: Visit): number {
  return demandApplication(context).realm.tokenPolicy.minExpiresAfterSeconds ?? 1;
}
