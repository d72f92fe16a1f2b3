import { type Page, pageFailureOf, pageReply, redirectReply, replyWithErrorPage } from "../../http/pages.ts";
import type { HttpReply, HttpRequest, Route } from "../../http/route.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { listActiveCredentials } from "../../resources/credential/queries.ts";
import type { LoginServices } from "../services.ts";
import type { AccountAction, AccountNotice } from "./actions/action.ts";
import { ACCOUNT_ACTIONS } from "./actions/index.ts";
import { accountAddress } from "./address.ts";
import { beginAccountLogin } from "./begin-login.ts";
import { readAccountForm } from "./form.ts";
import { type AccountShown, accountPage, nobodyPage } from "./page.ts";
import { readAccount } from "./read-account.ts";
import { type AccountPlace, type AccountVisit, isKnown, mayChangePasskeys, openAccount } from "./visit.ts";

const ACCOUNT = "/authenticator/v1/tenants/:tenant/realms/:realm/account";

/** The page where people look after their own account in a realm. */
export function accountRoutes(services: LoginServices): readonly Route[] {
  const route = { path: ACCOUNT, kind: "page" } as const;
  return [
    { ...route, name: "account", method: "GET", handle: (request) => answer(services, request, show) },
    {
      ...route,
      name: "accountLogin",
      path: `${ACCOUNT}/login`,
      method: "GET",
      handle: (request) => answer(services, request, beginAccountLogin),
    },
    { ...route, name: "accountByPost", method: "POST", handle: (request) => answer(services, request, submit) },
  ];
}

/** GET: it changes nothing, not even how long the session lasts. */
async function show(place: AccountPlace | AccountVisit): Promise<HttpReply> {
  const notice = noticeOf(place);
  return pageReply(isKnown(place) ? await showAccount(place, { notice }) : nobodyPage(place, notice));
}

/** POST: what somebody did on the page; then the page again, as it is now. */
async function submit(place: AccountPlace | AccountVisit): Promise<HttpReply> {
  if (!isKnown(place)) return pageReply(nobodyPage(place, undefined));
  const fields = readAccountForm(place);
  const action = ACCOUNT_ACTIONS.find(({ name }) => name === fields.get("action"));
  if (action === undefined) return redirectReply(accountAddress(place));
  if (!(await isAllowed(place, action))) return pageReply(await showAccount(place, { isRefused: true }));
  const result = await action.act(place, fields);
  if (result.kind === "page") return pageReply(result.page);
  return redirectReply(accountAddress(place, result.notice && { done: result.notice }), result.setCookies);
}

async function isAllowed(visit: AccountVisit, { needsRecent, changesPasskeys }: AccountAction): Promise<boolean> {
  if (needsRecent && !visit.isRecent) return false;
  if (changesPasskeys === undefined) return true;
  const { services, realm, session } = visit;
  const db = services.deps.database.tenants([realm.tenantId]);
  return mayChangePasskeys(visit, await listActiveCredentials(db, { ...realm, identityId: session.identityId }));
}

async function showAccount(visit: AccountVisit, shown: AccountShown): Promise<Page> {
  return accountPage(visit, await readAccount(visit), shown);
}

async function answer(
  services: LoginServices,
  http: HttpRequest,
  handle: (place: AccountPlace | AccountVisit) => Promise<HttpReply>,
): Promise<HttpReply> {
  let failure = pageFailureOf(http, services.deps.log);
  try {
    const place = await openAccount(services, http);
    failure = { ...failure, ...place.surroundings };
    return await handle(place);
  } catch (error) {
    return replyWithErrorPage(error, failure);
  }
}

function noticeOf({ http, texts }: AccountPlace): AccountNotice | undefined {
  const { values } = parseQuery(http.queryString, { duplicates: "report" });
  const done = values.get("done");
  return NOTICES.find((notice) => notice === done && notice in texts.account.done);
}

const NOTICES: readonly AccountNotice[] = [
  "signedOut",
  "sessionEnded",
  "othersEnded",
  "passkeyAdded",
  "passkeyRenamed",
  "passkeyRemoved",
  "accessWithdrawn",
  "accessEnded",
];
