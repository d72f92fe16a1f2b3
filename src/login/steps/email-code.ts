import type { Page } from "../../http/pages.ts";
import { equalBytes } from "../../platform/hash.ts";
import { ACR } from "../../protocol/acr.ts";
import {
  type AuthorizationRequest,
  countAuthorizationRequestTry,
  findAuthorizationRequest,
  resetAuthorizationRequest,
  setAuthorizationRequestCode,
  verifyAuthorizationRequest,
} from "../../resources/authorization-request/queries.ts";
import { hashCode } from "../../resources/authorization-request/rules.ts";
import { admitHolder, findAddressHolder } from "../address-holder.ts";
import { countAttempt, isGuessedAt } from "../attempt-limits.ts";
import { mailCodeLater } from "../code-mail.ts";
import { decideNext } from "../decide-next.ts";
import { readEmailKey } from "../email-address.ts";
import { CODE_DIGITS, CODE_LIFETIME_SECONDS, CODE_TRIES_MAX, newCode, readCode } from "../one-time-code.ts";
import { isPasskeyOffered } from "../passkey/offer.ts";
import { judgeVisit } from "../policy.ts";
import { recordLogin, type Visit } from "../visit.ts";
import { denyLogin } from "./deny.ts";
import { codePage, triesSpentPage } from "./email-code-pages.ts";
import { signInPage } from "./sign-in-page.ts";
import type { LoginStep, Notice, StepResult } from "./step.ts";

const METHOD = "email_one_time_password";
/** OIDC Core §2: a one-time code (RFC 8176 `otp`), which is the lowest of our classes (rule 32). */
const AUTHENTICATION = { amr: ["otp"], acr: ACR.code } as const;
const UNMATCHED_BYTES = 32;

/** Login by a code that is mailed: first the address, then the code. What it answers never tells who has an account (rule 35). */
export const emailCode: LoginStep = {
  methods: [METHOD],
  states: ["email", "code"],
  actions: ["send", "send_again", "other_address", "verify"],
  show,
  submit: async (visit, fields) => {
    switch (fields.get("action")) {
      case "send":
        return sendCode(visit, readEmailKey(fields.get("email")), fields.get("email"));
      case "send_again":
        return sendCode(visit, visit.stored.emailKey, undefined, "code_sent_again");
      case "other_address":
        return moved(visit, await resetAuthorizationRequest(dbOf(visit), visit.stored, visit.now));
      case "verify":
        return tryCode(visit, readCode(fields.get("code")));
      default:
        return moved(visit, undefined);
    }
  },
};

function show(visit: Visit, notice: Notice | undefined): Page {
  if (visit.stored.state !== "code") return signInPage(visit, { typed: visit.stored.parameters.loginHint });
  if (visit.stored.codeTries >= CODE_TRIES_MAX) return triesSpentPage(visit);
  return codePage(visit, notice === undefined ? {} : { notice });
}

/** The same for every address: count, make a code, remember it. Whether it is mailed is found out after the answer. */
async function sendCode(
  visit: Visit,
  emailKey: string | undefined,
  typed: string | undefined,
  notice?: Notice,
): Promise<StepResult> {
  if (emailKey === undefined) return { kind: "page", page: signInPage(visit, { typed, problem: "address" }) };
  const { random } = visit.services.deps;
  const outcome = await countAttempt(visit.services, attemptOf(visit, "code_sent", emailKey), () => true);
  const isGuessed = await isGuessedAt(visit.services, visit.context.key);
  const digits = isGuessed ? CODE_DIGITS.whileGuessed : CODE_DIGITS.usual;
  const code = newCode(random, visit.context.tenant.kind, digits);
  // Over the limit the page is the same, and no code works (rule 35).
  const isMailed = outcome === "counted";
  const codeHash = isMailed ? hashCode(visit.secret, visit.stored.id, code) : random.bytes(UNMATCHED_BYTES);
  const codeExpiresAt = visit.now + CODE_LIFETIME_SECONDS;
  const set = { emailKey, codeHash, codeExpiresAt, now: visit.now };
  const stored = await setAuthorizationRequestCode(dbOf(visit), visit.stored, set);
  if (!isMailed) recordLogin(visit, "limit_reached", { limit: "codes" });
  else if (stored !== undefined) mailCodeLater(visit, { emailKey, code, codeHash, expiresAt: codeExpiresAt });
  return moved(visit, stored, notice);
}

async function tryCode(visit: Visit, code: string | undefined): Promise<StepResult> {
  if (visit.stored.state !== "code") return moved(visit, undefined);
  if (code === undefined) return { kind: "page", page: codePage(visit, { problem: "incomplete" }) };
  const limit = { triesMax: CODE_TRIES_MAX, now: visit.now };
  const tried = await countAuthorizationRequestTry(dbOf(visit), visit.stored, limit);
  if (tried?.codeHash === undefined || tried.emailKey === undefined) return notTried(visit);
  const codeHash = hashCode(visit.secret, visit.stored.id, code);
  const isRight = equalBytes(codeHash, tried.codeHash);
  const attempt = attemptOf(visit, "wrong_try", tried.emailKey);
  const outcome = await countAttempt(visit.services, attempt, () => !isRight);
  if (outcome !== "taken_back") return refuseTry(visit, tried, outcome === "limit" ? "limit_reached" : "wrong_code");
  return admit(visit, tried, { codeHash, emailKey: tried.emailKey });
}

/** The code was right: it is spent, and the person known. */
async function admit(
  visit: Visit,
  tried: AuthorizationRequest,
  proved: { readonly codeHash: Uint8Array; readonly emailKey: string },
): Promise<StepResult> {
  const holder = await findAddressHolder(visit.services, visit.context, proved.emailKey);
  if (holder.kind === "nobody") return refuseNobody(visit, tried, holder);
  const known = holder.kind === "identity" ? holder.identity.key.identityId : undefined;
  // Before somebody new is made.
  const judged = await judgeVisit(visit, { type: "authentication", identityId: known, credentialType: METHOD });
  if (judged.action === "DENY") return denyLogin(visit, { identity_id: known, ...judged.facts });
  const admitted = await admitHolder(visit.services, visit.context, { emailKey: proved.emailKey, holder });
  if (!("key" in admitted)) return refuseNobody(visit, tried, admitted);
  const { identityId } = admitted.key;
  const stored = await verifyAuthorizationRequest(dbOf(visit), visit.stored, {
    codeHash: proved.codeHash,
    identityId,
    authentication: { authTime: visit.now, ...AUTHENTICATION },
    ...((await isPasskeyOffered(visit, admitted.key)) ? { next: "offer" } : await decideNext(visit, identityId)),
    now: visit.now,
  });
  if (stored === undefined)
    return refuseTry(visit, tried, "refused", { cause: "the code was spent or replaced meanwhile" });
  const { provisioned } = admitted;
  recordLogin(visit, "logged_in", { identity_id: identityId, provisioned, ...AUTHENTICATION, ...judged.facts });
  return moved(visit, stored);
}

function refuseNobody(
  visit: Visit,
  tried: AuthorizationRequest,
  { cause, identityId }: { readonly cause: string; readonly identityId?: string | undefined },
): StepResult {
  return refuseTry(visit, tried, "refused", { cause, identity_id: identityId });
}

// One wording for a wrong code, a limit and an account that cannot log in.
function refuseTry(
  visit: Visit,
  tried: AuthorizationRequest,
  outcome: string,
  facts: Readonly<Record<string, unknown>> = {},
): StepResult {
  recordLogin(visit, outcome, { tries: tried.codeTries, ...facts });
  return refusedPage(visit, tried.codeTries >= CODE_TRIES_MAX);
}

/** No try was left, the code had expired, or the login has moved on in another tab. */
async function notTried(visit: Visit): Promise<StepResult> {
  const stored = await findAuthorizationRequest(dbOf(visit), visit.stored);
  if (stored?.state !== "code") return moved(visit, stored);
  const isSpent = stored.codeTries >= CODE_TRIES_MAX;
  recordLogin(
    visit,
    isSpent ? "limit_reached" : "wrong_code",
    isSpent ? { limit: "tries" } : { cause: "the code has expired" },
  );
  return refusedPage(visit, isSpent);
}

function refusedPage(visit: Visit, isSpent: boolean): StepResult {
  return isSpent
    ? { kind: "page", page: triesSpentPage(visit), why: "tries_spent" }
    : { kind: "page", page: codePage(visit, { problem: "wrong" }), why: "wrong_code" };
}

function moved(visit: Visit, stored: AuthorizationRequest | undefined, notice?: Notice): StepResult {
  return { kind: "moved", stored: stored ?? visit.stored, ...(notice === undefined ? {} : { notice }) };
}

function attemptOf(visit: Visit, kind: "code_sent" | "wrong_try", emailKey: string) {
  return { realm: visit.context.key, kind, emailKey, remoteAddress: visit.http.remoteAddress };
}

function dbOf(visit: Visit) {
  return visit.services.deps.database.tenants([visit.context.key.tenantId]);
}
