import { createKeyStore, type KeyStore } from "../keys/key-store.ts";
import { EgressRefused, postForm } from "../platform/egress.ts";
import { uuid } from "../platform/random.ts";
import { issuerOf } from "../protocol/client-metadata.ts";
import { LOGOUT_TOKEN_LIFETIME_SECONDS, logoutTokenClaims } from "../protocol/logout-token.ts";
import {
  type LogoutDelivery,
  type LogoutOutcome,
  listDueLogouts,
  markSessionsTold,
  postponeLogout,
  settleLogout,
} from "../resources/session-application/queries.ts";
import { raiseSigningKeyExpiry } from "../resources/signing-key/queries.ts";
import { inLanes } from "./in-lanes.ts";
import type { Job, JobDeps } from "./job.ts";

/** Seconds until an application that could not be told is tried again, after each attempt; after the last it is given up. */
const RETRY_SECONDS = [5, 30, 120, 600, 1_800, 3_600, 7_200];
const DELIVERIES_MAX = 200;
/** Of one tenant at a time (rule 22): a tenant whose applications answer slowly must not keep the others waiting. */
const TENANT_CONCURRENCY = 4;
const TENANTS_AT_ONCE_MAX = 16;
/** No delivery is begun later in a run: what others wait for meanwhile is in the next one. */
const RUN_MS_MAX = 10_000;

/**
 * Tells applications that a session of theirs has ended (OpenID Connect Back-Channel Logout §2.5, rule 12). What is to be told is what
 * the rows say, so that a restart forgets nothing; told twice, an application hears of the same session twice.
 */
export const backChannelLogoutJob: Job = {
  name: "back-channel-logout",
  everySeconds: 5,
  run: async (deps) => {
    const nowMs = deps.clock.nowMs();
    const due = await deps.database.maintain((session) => listDueLogouts(session, { nowMs, limit: DELIVERIES_MAX }));
    const keys = createKeyStore(deps);
    const untilMs = nowMs + RUN_MS_MAX;
    const isLate = (): boolean => deps.clock.nowMs() > untilMs;
    const tenants = [...Map.groupBy(due, ({ tenantId }) => tenantId).values()];
    await inLanes(tenants, TENANTS_AT_ONCE_MAX, (deliveries) =>
      inLanes(deliveries, TENANT_CONCURRENCY, async (delivery) => {
        if (!isLate()) await deliver(deps, keys, delivery);
      }),
    );
    await deps.database.maintain(markSessionsTold);
  },
};

async function deliver(deps: JobDeps, keys: KeyStore, delivery: LogoutDelivery): Promise<void> {
  const db = deps.database.tenants([delivery.tenantId]);
  const outcome = await tell(deps, keys, delivery);
  if (outcome !== undefined) {
    await settleLogout(db, delivery, { outcome, atMs: deps.clock.nowMs() });
    return;
  }
  const retrySeconds = RETRY_SECONDS[delivery.attempts];
  if (retrySeconds !== undefined) {
    await postponeLogout(db, delivery, deps.clock.nowMs() + retrySeconds * 1_000);
    return;
  }
  deps.log.warn(named(delivery), "an application could not be told of a logout and is given up");
  await settleLogout(db, delivery, { outcome: "given_up", atMs: deps.clock.nowMs() });
}

/** What the application said; undefined when it is to be tried again. */
async function tell(deps: JobDeps, keys: KeyStore, delivery: LogoutDelivery): Promise<LogoutOutcome | undefined> {
  try {
    const logout_token = await makeLogoutToken(deps, keys, delivery);
    const status = await postForm(delivery.uri, { logout_token }, deps.config.egressAllow);
    if (status >= 200 && status < 300) return "accepted";
    deps.log.warn({ ...named(delivery), status }, "an application did not accept a logout");
    // §2.8: 400 says that the token or the logout was no good; of what may pass, only the server's own trouble and too much haste.
    return status >= 500 || status === 408 || status === 429 ? undefined : "refused";
  } catch (error) {
    deps.log.warn({ ...named(delivery), err: error }, "an application could not be told of a logout");
    return error instanceof EgressRefused ? "refused" : undefined;
  }
}

/** A token of its own for each attempt: it lives for two minutes. */
async function makeLogoutToken(deps: JobDeps, keys: KeyStore, delivery: LogoutDelivery): Promise<string> {
  const now = deps.clock.nowSeconds() + delivery.clockOffsetSeconds;
  const key = await keys.signingKey(delivery, delivery.algorithm, now);
  const until = keys.publishedExpiry(key, now + LOGOUT_TOKEN_LIFETIME_SECONDS);
  if (until !== undefined) {
    // Before it is sent: the key stays published for as long as the token may be verified (settled 17).
    await raiseSigningKeyExpiry(deps.database.tenants([delivery.tenantId]), delivery, { keyId: key.keyId, until });
    keys.rememberExpiry(key, until);
  }
  const claims = logoutTokenClaims({
    issuer: issuerOf(deps.config.publicUrl, delivery, delivery.issuerMode),
    clientId: delivery.clientId,
    subject: delivery.subject,
    sessionId: delivery.clientSessionId,
    tokenId: uuid(deps.random),
    issuedAt: now,
  });
  return keys.signJwt(key, { typ: "logout+jwt" }, claims);
}

// Never the address's query, which may hold anything (rule 24).
function named({ tenantId, realmId, applicationId, uri }: LogoutDelivery): Readonly<Record<string, string>> {
  return { tenant_id: tenantId, realm_id: realmId, application_id: applicationId, uri: uri.split("?")[0] ?? "" };
}
