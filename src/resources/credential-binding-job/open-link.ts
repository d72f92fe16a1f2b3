import type { Deps } from "../../deps.ts";
import { errorPageReply, type PageFailure, pageFailureOf, prefersJson, replyWithErrorPage } from "../../http/pages.ts";
import { type HttpReply, type HttpRequest, realmKeyOf } from "../../http/route.ts";
import { textsIn } from "../../http/texts/index.ts";
import { equalBytes, sha256 } from "../../platform/hash.ts";
import { covers } from "../../protocol/authority.ts";
import { type RealmKey, realmPath } from "../../protocol/client-metadata.ts";
import { DEFAULT_LANGUAGE } from "../../protocol/language.ts";
import { OAuthError } from "../../protocol/oauth-error.ts";
import { isLinkToken } from "../../protocol/opaque-token.ts";
import { parseQuery } from "../../protocol/parameters.ts";
import { appendParameters } from "../../protocol/redirect-uri.ts";
import type { AuthenticatorSettings } from "../authenticator-config/schema.ts";
import { readPowerOf } from "../authority/queries.ts";
import { findOpenedLink, type OpenedLink } from "../binding-place/queries.ts";
import { insertEvents } from "../event/queries.ts";
import { transactionWithEvents } from "../event-transaction.ts";
import { pageThemeOf } from "../theme/rules.ts";
import { type BindingJob, type BindingJobKey, moveBindingJob } from "./queries.ts";
import { bindUrl, isLinkUsable } from "./rules.ts";

type LinkDeps = Pick<Deps, "config" | "database" | "clock" | "log">;

/** What a link names, and the token that it brings. */
interface Presented {
  readonly key: BindingJobKey;
  readonly identityId: string;
  readonly token: string;
}

const HEX_ID = /^[0-9a-f]{16}$/;

/**
 * A person opens the link of a credential binding job (reference E10): the browser goes on to the authenticator, which alone can use
 * the token. Opening spends nothing, because mail scanners open links, too. Who has no true token learns nothing, not even whether
 * there is such a job.
 */
export async function openBindingLink(deps: LinkDeps, http: HttpRequest): Promise<HttpReply> {
  if (http.method === "HEAD") return { status: 204 }; // a look opens nothing
  let failure = pageFailureOf(http, deps.log);
  try {
    const presented = readPresented(http);
    if (presented === undefined) return refuse("unknown", failure);
    const { key, identityId, token } = presented;
    const db = deps.database.tenants([key.tenantId]);
    const link = await findOpenedLink(db, key, identityId);
    if (link === undefined) return refuse("unknown", failure);
    failure = { ...failure, theme: pageThemeOf(link.theme), isTestTenant: link.isTestTenant };
    if (link.job === undefined || !equalBytes(link.job.tokenHash, sha256(token))) return refuse("unknown", failure);
    const config = await findTarget(deps, link);
    if (config === undefined) return refuse("over", failure);
    if (link.job.state === "LINK_SENT") await markOpened(deps, link.job, http);
    return goTo(deps, config, presented);
  } catch (error) {
    return replyWithErrorPage(error, failure);
  }
}

function readPresented(http: HttpRequest): Presented | undefined {
  const realm = realmKeyOf(http);
  const { identity = "", job = "" } = http.parameters;
  const token = parseQuery(http.queryString, { duplicates: "report" }).values.get("token") ?? "";
  if (realm === undefined || !HEX_ID.test(identity) || !HEX_ID.test(job) || !isLinkToken(token)) return undefined;
  return { key: { ...realm, jobId: job }, identityId: identity, token };
}

/** The authenticator that a true link leads to; undefined when it leads nowhere any more. */
async function findTarget(
  { database, clock }: LinkDeps,
  { job, config, isActive }: OpenedLink,
): Promise<AuthenticatorSettings | undefined> {
  if (job === undefined || config === undefined || !isActive) return undefined;
  if (!isLinkUsable(job, clock.nowSeconds() + job.clockOffsetSeconds)) return undefined;
  // Rule 1, once more: the person may have been given power that whoever made the link did not hold.
  const power = await readPowerOf(database.tenants([job.key.tenantId]), job.key, { identityIds: [job.identityId] });
  return power === undefined || covers(job.creator, power) ? config : undefined;
}

async function markOpened({ database, clock }: LinkDeps, job: BindingJob, http: HttpRequest): Promise<void> {
  const { key, identityId } = job;
  const nowMs = clock.nowMs();
  await transactionWithEvents({ database, clock }, key.tenantId, async (db) => {
    if (!(await moveBindingJob(db, key, { from: ["LINK_SENT"], to: "LINK_OPENED" }, nowMs))) return;
    const event = { type: "CredentialBindingJobChange", action: "UPDATE", realmId: key.realmId } as const;
    const about = { resource: { type: "CredentialBindingJob", id: key.jobId }, actor: { type: "Anonymous" } } as const;
    const facts = { identity_id: identityId, state: "LINK_OPENED" };
    await insertEvents(db, key.tenantId, [{ ...event, ...about, facts, traceId: http.traceId, atMs: nowMs }]);
  });
}

// Reference 3.1: the six members that an authenticator needs to bind.
function goTo({ config }: LinkDeps, authenticator: AuthenticatorSettings, presented: Presented): HttpReply {
  const { key, identityId, token } = presented;
  const location = appendParameters(bindUrl(authenticator.invoke_url ?? hostedUrl(config.publicUrl, key)), {
    api_base_url: config.publicUrl,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    identity_id: identityId,
    job_id: key.jobId,
    token,
  });
  return { status: 302, headers: { location, "cache-control": "no-store", "referrer-policy": "no-referrer" } };
}

/** Where our own pages authenticate the people of a realm. */
function hostedUrl(publicUrl: string, realm: RealmKey): string {
  return `${publicUrl}/authenticator${realmPath(realm)}`;
}

const STATUS = { unknown: 404, over: 410 } as const;

function refuse(why: keyof typeof STATUS, failure: PageFailure): HttpReply {
  const status = STATUS[why];
  if (prefersJson(failure.accept)) {
    const { heading } = textsIn(DEFAULT_LANGUAGE).error.bindingLink[why]; // programs are told in English
    throw new OAuthError("invalid_request", heading, { status });
  }
  return errorPageReply({ ...failure, status, ...textsIn(failure.language).error.bindingLink[why] });
}
