import { createHmac } from "node:crypto";
import type { Queryable } from "../../database/database.ts";
import { withRollBack } from "../../database/roll-back.ts";
import type { HttpRequest } from "../../http/route.ts";
import { sha256 } from "../../platform/hash.ts";
import { passkeyPolicyOf } from "../../protocol/webauthn/passkey-methods.ts";
import { relyingPartyOf } from "../../protocol/webauthn/relying-party.ts";
import type { AuthenticatorSettings } from "../../resources/authenticator-config/schema.ts";
import { type BindingJob, completeBindingJob } from "../../resources/credential-binding-job/queries.ts";
import { insertEvents } from "../../resources/event/queries.ts";
import { findIdentity, type Identity } from "../../resources/identity/queries.ts";
import { type JudgedLink, judgeLink, type LinkLook, type PresentedLink } from "../../resources/judge-binding-link.ts";
import { findRealm } from "../../resources/realm/queries.ts";
import { makePasskey, type PasskeyRefused } from "../passkey/make.ts";
import type { RegistrationPlace } from "../passkey/register.ts";
import type { LoginServices } from "../services.ts";

/** A link that can be used now, with whom it is for and where the passkey will belong. */
export interface UsableLink {
  readonly kind: "usable";
  readonly look: LinkLook;
  readonly job: BindingJob;
  /** what the link leads to */
  readonly authenticator: AuthenticatorSettings;
  readonly identity: Identity;
  readonly realmName: string;
  /** undefined where the authenticator allows no passkey */
  readonly place: RegistrationPlace | undefined;
}

/** Finds out what a link leads to. */
export async function readUsableLink(
  { deps }: Pick<LoginServices, "deps">,
  presented: PresentedLink,
): Promise<UsableLink | Exclude<JudgedLink, { kind: "usable" }>> {
  const db = deps.database.tenants([presented.key.tenantId]);
  const link = await judgeLink(deps, db, presented);
  if (link.kind !== "usable") return link;
  const { key, identityId, settings } = link.job;
  const identity = await findIdentity(db, { tenantId: key.tenantId, realmId: key.realmId, identityId });
  const realm = await findRealm(db, key);
  const { look } = link;
  if (identity === undefined || realm === undefined) return { kind: "over", look };
  const relyingParty = relyingPartyOf(link.config, deps.config.publicUrl);
  const policy = passkeyPolicyOf(link.config.authentication_methods ?? []);
  const realmName = realm.settings.display_name;
  const place = relyingParty &&
    policy && {
      ...{ relyingParty, policy, realmName, challenge: challengeOf(presented) },
      authenticatorConfigId: settings.authenticator_config_id,
    };
  return { kind: "usable", look, job: link.job, authenticator: link.config, identity, realmName, place };
}

// Whoever has the link has the challenge, and nobody else. It is answered once, since the link is spent with the answer.
function challengeOf({ key, token }: PresentedLink): string {
  return createHmac("sha256", token).update(`binding challenge ${key.jobId}`).digest("base64url");
}

/** What became of a passkey that was made by a link. */
export type Bound =
  | { readonly kind: "bound"; readonly credentialId: string; readonly redirectUri: string | undefined }
  | { readonly kind: "unknown" | "over" }
  | PasskeyRefused;

/** Where a request comes from, for events. */
export interface BindingRequest {
  readonly presented: PresentedLink;
  /** what the browser made, as JSON */
  readonly sent: string | undefined;
  readonly http: HttpRequest;
}

/** Binds a passkey by a link: the passkey is there and the link spent, or neither. */
export async function bindPasskey(
  services: LoginServices,
  { place, identity }: UsableLink,
  { presented, sent, http }: BindingRequest,
): Promise<Bound> {
  if (place === undefined) return { kind: "refused", why: "failed", cause: "the authenticator allows no passkeys" };
  return withRollBack<Bound>(async (rollBack) => {
    const made = await makePasskey(services, { sent, place, owner: identity.key, http }, (db, store) =>
      bind(services, db, { presented, traceId: http.traceId, store, rollBack }),
    );
    return made.kind === "refused" ? made : made.value;
  });
}

interface Binding {
  readonly presented: PresentedLink;
  readonly traceId: Buffer;
  readonly store: () => Promise<string | undefined>;
  readonly rollBack: (bound: Bound) => never;
}

async function bind(
  services: Pick<LoginServices, "deps">,
  db: Queryable,
  { presented, traceId, store, rollBack }: Binding,
): Promise<Bound> {
  const { clock } = services.deps;
  // Once more, as things are in this transaction: the link may have been revoked while the browser made the passkey.
  const link = await judgeLink(services.deps, db, presented);
  if (link.kind !== "usable") return { kind: link.kind };
  const credentialId = await store();
  if (credentialId === undefined) return { kind: "refused", why: "full", cause: "the person has too many passkeys" };
  const nowMs = clock.nowMs();
  const spent = { tokenHash: sha256(presented.token), credentialId };
  const isSpent = await completeBindingJob(db, presented.key, spent, { now: link.now, nowMs });
  if (!isSpent) return rollBack({ kind: "over" });
  const { key, identityId, settings } = link.job;
  const event = { type: "CredentialBindingJobChange", action: "UPDATE", realmId: key.realmId } as const;
  const actor = { type: "Identity", id: identityId } as const;
  const resource = { type: "CredentialBindingJob", id: key.jobId };
  const facts = { identity_id: identityId, state: "COMPLETE", credential_id: credentialId };
  await insertEvents(db, key.tenantId, [{ ...event, resource, actor, facts, traceId, atMs: nowMs }]);
  return { kind: "bound", credentialId, redirectUri: settings.post_binding_redirect_uri };
}
