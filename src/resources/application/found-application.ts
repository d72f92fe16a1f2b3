// What the operations on applications begin and end with, and who is shown a client's secret.

import type { Caller } from "../../http/caller.ts";
import { ManagementError, notFound } from "../../http/management-error.ts";
import { sha256 } from "../../platform/hash.ts";
import type { ApplicationKey } from "../../protocol/client-metadata.ts";
import { type ApplicationPlace, readApplicationPlace, type SecretRules } from "../application-place/queries.ts";
import { authoritiesOf, authorityOfApplication, demandCover, isCovered, listExchangeable } from "../authority/rules.ts";
import { type Call, readPathId, realmOf } from "../call.ts";
import { demandValid } from "../checked.ts";
import { newClientSecret, openClientSecret, sealClientSecret } from "../credentials.ts";
import { demandVersion } from "../etag.ts";
import type { WriteCall } from "../operations.ts";
import { type Application, holdApplication, type StoredSecret, updateApplicationSettings } from "./queries.ts";
import { updateApplication } from "./rules.ts";
import type { ApplicationAnswer, ApplicationBody, ApplicationSettings } from "./schema.ts";

/** The application that a call's path names. Throws 404 for an id that can name none. */
export function keyOf(call: Call<unknown, unknown>): ApplicationKey {
  const path = { parameter: "application", shape: "uuid", kind: "Application" } as const;
  return { ...realmOf(call), applicationId: readPathId(call.request, path) };
}

/** The application that a call's path names, as it is until the transaction ends. Throws 404 and 412. */
export async function getHeld(call: WriteCall<unknown, unknown>): Promise<Application> {
  const key = keyOf(call);
  const application = await holdApplication(call.db, key);
  if (application === undefined) throw notFound("Application", key.applicationId);
  demandVersion(call.request, application.version);
  return application;
}

/** An application that its caller may change, and what surrounds it. */
interface Changeable {
  readonly application: Application;
  readonly place: ApplicationPlace;
}

/**
 * The application that a call's path names, as it is until the transaction ends, for a caller who may change it. Throws 403, 404 and 412.
 *
 * @param body what `storeChange` is to write, where that is known by now: what it names is read with the rest
 */
export async function getChangeable(call: WriteCall<unknown, unknown>, body?: ApplicationBody): Promise<Changeable> {
  const application = await getHeld(call);
  if (application.isManaged) throw new ManagementError("forbidden", "the built-in application cannot be changed");
  const { key, settings: before } = application;
  const place = await readPlaceOf(call, [before, body]);
  demandPowerOver(call.caller, place, { id: key.applicationId, before });
  return { application, place };
}

/** Changes an application as a body says, and gives its settings then. Throws 400, and 403 for what its caller may not give. */
export async function storeChange(
  { db, caller, nowMs }: WriteCall<unknown, unknown>,
  { application, place }: Changeable,
  body: ApplicationBody,
): Promise<ApplicationSettings> {
  const { key, settings: before } = application;
  const after = demandValid(updateApplication(before, body, place));
  demandPowerOver(caller, place, { id: key.applicationId, before, after });
  await updateApplicationSettings(db, key, after, nowMs);
  return after;
}

/** Reads what surrounds an application, for the settings that it has and those that a body writes. */
export function readPlaceOf(
  call: WriteCall<unknown, unknown>,
  settings: readonly (
    | Pick<ApplicationBody, "resource_server_id" | "authenticator_config_id" | "target_realm" | "may_be_exchanged_by">
    | undefined
  )[],
): Promise<ApplicationPlace> {
  const idsOf = (member: "resource_server_id" | "authenticator_config_id" | "target_realm") =>
    settings.flatMap((some) => some?.[member] ?? []);
  return readApplicationPlace(call.db, realmOf(call), {
    resourceServerIds: idsOf("resource_server_id"),
    authenticatorConfigIds: idsOf("authenticator_config_id"),
    realmIds: idsOf("target_realm"),
    applicationIds: settings.flatMap((some) => some?.may_be_exchanged_by ?? []),
  });
}

/** What an application may do, before and after a change of it. */
export interface PowerChange {
  /** undefined for a new one */
  readonly id?: string;
  readonly before?: ApplicationSettings;
  readonly after?: ApplicationSettings;
}

/** Rules 1 and 8: what an application may do, before and after a change, is what the caller may do. Throws 403. */
export function demandPowerOver(caller: Caller, place: ApplicationPlace, { id, before, after }: PowerChange): void {
  const affected = [before, after].flatMap((settings) => settings ?? []);
  const isManaged = ({ resource_server_id: id }: ApplicationSettings) =>
    id !== undefined && place.findResourceServer(id)?.isManaged === true;
  const own = affected.map((settings) => authorityOfApplication(settings, isManaged(settings)));
  demandCover(caller, [...own, ...listExchangeable(place, id)]);
  const reachBefore = before?.target_realm ?? place.realm.realmId;
  if (after === undefined || after.target_realm === reachBefore || caller.targetRealm === "*") return;
  throw new ManagementError("forbidden", "target_realm is set by callers that reach every realm");
}

/** A new secret, and how it is stored. */
export interface MadeSecret extends StoredSecret {
  readonly text: string;
}

/** Makes a client's secret; sealed for reading again, unless the tenant shows secrets once. */
export function makeSecret(
  { deps }: Pick<Call<unknown, unknown>, "deps">,
  key: ApplicationKey,
  place: ApplicationPlace,
): MadeSecret {
  const text = newClientSecret(deps.random);
  const sealed = place.showsSecretsOnce ? undefined : sealClientSecret(deps, key, text);
  return { text, hash: sha256(text), sealed };
}

/** A client's secret, where there is one that this caller may read (rule 1): else it is left out. */
export function openSecretFor(
  { caller, deps }: Pick<Call<unknown, unknown>, "caller" | "deps">,
  application: Application,
  rules: SecretRules,
): string | undefined {
  const { key, secret } = application;
  if (secret?.sealed === undefined || rules.showsSecretsOnce) return undefined;
  if (!authoritiesOf(application, rules).every((authority) => isCovered(caller, authority))) return undefined;
  return openClientSecret(deps, key, secret.sealed);
}

/** What decides who sees the secret of an application of these settings, as its surroundings tell it. */
export function secretRulesOf(place: ApplicationPlace, { resource_server_id: id }: ApplicationSettings): SecretRules {
  const isManaged = id !== undefined && place.findResourceServer(id)?.isManaged === true;
  const { showsSecretsOnce, exchangeable } = place;
  return { showsSecretsOnce, exchangeable, managedServerId: isManaged ? id : undefined };
}

/** An application as the API shows it, with a secret where it is to be shown. */
export function answerOf(
  { key, settings, isManaged, classification, clientId }: Omit<Application, "version" | "createdAtMs" | "updatedAtMs">,
  secret: string | undefined,
): ApplicationAnswer {
  const { protocol_config: config } = settings;
  return {
    id: key.applicationId,
    tenant_id: key.tenantId,
    realm_id: key.realmId,
    is_managed: isManaged,
    classification,
    ...settings,
    protocol_config: {
      ...config,
      client_id: clientId,
      ...(secret === undefined ? {} : { client_secret: secret }),
      // Reference 1.3: a confidential client may use both ways, and this one is reported.
      token_endpoint_auth_method: config.confidentiality === "confidential" ? "client_secret_basic" : "none",
    },
  };
}
