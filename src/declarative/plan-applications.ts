import type { Queryable } from "../database/database.ts";
import { equalBytes, sha256 } from "../platform/hash.ts";
import { checkClientSecret } from "../protocol/client-authentication.ts";
import type { ApplicationKey } from "../protocol/client-metadata.ts";
import { checkClientId, subjectKey } from "../protocol/subject.ts";
import {
  type Application,
  deleteApplication,
  insertApplication,
  type StoredSecret,
  updateApplicationSecret,
  updateApplicationSettings,
} from "../resources/application/queries.ts";
import { type ApplicationSurroundings, createApplication, updateApplication } from "../resources/application/rules.ts";
import type { ApplicationBody, ApplicationSettings } from "../resources/application/schema.ts";
import { newClientId, newClientSecret, sealClientSecret } from "../resources/credentials.ts";
import type { Path } from "./file.ts";
import type { DeclaredApplication } from "./file-schema.ts";
import { findUnnamed, type Matched } from "./matching.ts";
import {
  type About,
  type Planning,
  planDeletions,
  planObject,
  planUpdate,
  refuse,
  refuseOther,
  withoutLost,
} from "./planning.ts";
import type { PlannedServer, RealmPlan } from "./realm-plan.ts";

/** What a realm's plan tells the plan of its applications. */
export interface ApplicationPlaces {
  readonly servers: ReadonlyMap<string, PlannedServer>;
  readonly configIds: ReadonlySet<string>;
}

type MatchedApplication = Matched<DeclaredApplication, Application>;

/** Plans a realm's applications. */
export function planApplications(realm: RealmPlan, places: ApplicationPlaces): void {
  const { planning, matches, state } = realm;
  const unnamed = findUnnamed(state.applications, matches.applications);
  const isPruned = planning.isPruned && realm.declared.applications !== undefined;
  const removed = isPruned ? unnamed.filter((application) => !application.isManaged) : [];
  const kept = unnamed.filter((application) => !removed.includes(application));
  checkKept(realm, kept, places);
  for (const application of kept) planLoss(realm, application, places);
  for (const match of matches.applications) planApplication(realm, match, places);
  const deletions = removed.map(({ key, settings }) => ({
    about: { kind: "application", id: key.applicationId, realmId: key.realmId } as const,
    what: `application ${JSON.stringify(settings.display_name)} (${key.applicationId})`,
    write: (db: Queryable) => deleteApplication(db, key, planning.nowMs),
  }));
  planDeletions(planning, [...realm.path, "applications"], deletions);
}

// What an application that stays needs must stay too (reference 6 #61).
function checkKept(realm: RealmPlan, kept: readonly Application[], places: ApplicationPlaces): void {
  for (const { settings } of kept) {
    const { resource_server_id, authenticator_config_id, display_name } = settings;
    const used = `${JSON.stringify(display_name)}, which the file does not name, uses one that it would delete`;
    if (resource_server_id !== undefined && !places.servers.has(resource_server_id)) {
      refuse(realm.planning, [...realm.path, "resource_servers"], used);
    }
    if (authenticator_config_id !== undefined && !places.configIds.has(authenticator_config_id)) {
      refuse(realm.planning, [...realm.path, "authenticator_configs"], used);
    }
  }
}

// An application that the file does not name loses what its resource server does.
function planLoss(realm: RealmPlan, { key, settings }: Application, places: ApplicationPlaces): void {
  const { planning } = realm;
  planUpdate(planning, {
    path: [...realm.path, "applications"],
    about: { kind: "application", id: key.applicationId, realmId: key.realmId },
    what: `application ${JSON.stringify(settings.display_name)} (${key.applicationId})`,
    current: settings,
    settings: withoutLostScopes(settings, places),
    update: (db, changed) => updateApplicationSettings(db, key, changed, planning.nowMs),
  });
}

function withoutLostScopes(settings: ApplicationSettings, { servers }: ApplicationPlaces): ApplicationSettings {
  const { resource_server_id: id, protocol_config } = settings;
  if (id === undefined) return settings;
  const allowed_scopes = withoutLost(protocol_config.allowed_scopes, servers.get(id));
  return { ...settings, protocol_config: { ...protocol_config, allowed_scopes } };
}

function planApplication(realm: RealmPlan, match: MatchedApplication, places: ApplicationPlaces): void {
  const { planning } = realm;
  const { path, stored, declared } = match;
  const key: ApplicationKey = { ...realm.key, applicationId: match.id };
  const body = resolveBody(realm, match);
  const surroundings = surroundingsOf(realm, places);
  if (stored !== undefined) refuseFixedMembers(planning, path, declared, stored);
  const what = `application ${JSON.stringify(body.display_name ?? stored?.settings.display_name ?? "")} (${match.id})`;
  const clientId = planClientId(realm, match);
  const secret = readDeclaredSecret(planning, path);
  const about: About = { kind: "application", id: key.applicationId, realmId: key.realmId };
  const settings = planObject<ApplicationSettings>(planning, {
    path,
    about,
    what,
    current: stored?.settings,
    isManaged: stored?.isManaged ?? false,
    checked:
      stored === undefined
        ? createApplication(body, surroundings)
        : updateApplication(withoutLostScopes(stored.settings, places), body, surroundings),
    insert: (db, created) => {
      const isConfidential = created.protocol_config.confidentiality === "confidential";
      const text = isConfidential ? (secret ?? newClientSecret(planning.deps.random)) : undefined;
      const application = {
        isManaged: false,
        classification: "",
        clientId,
        secret: text === undefined ? undefined : storedSecret(realm, key, text),
        settings: created,
      };
      return insertApplication(db, key, application, planning.nowMs);
    },
    update: (db, changed) => updateApplicationSettings(db, key, changed, planning.nowMs),
  });
  if (settings?.protocol_config.confidentiality === "public" && secret !== undefined) {
    refuse(planning, [...path, "protocol_config", "client_secret"], "is not for a public client");
  } else if (stored !== undefined && secret !== undefined) {
    planSecret(realm, { key, about, what, path, stored, secret });
  }
}

function resolveBody({ matches, tenant }: RealmPlan, { path, declared }: MatchedApplication): ApplicationBody {
  const { servers, configs, applications } = matches.directories;
  const { id: _, protocol_config, resource_server_id, authenticator_config_id, target_realm, ...written } = declared;
  const { may_be_exchanged_by, ...rest } = written;
  const { client_id: __, client_secret: ___, ...config } = protocol_config ?? {};
  const exchangers = [...path, "may_be_exchanged_by"];
  const reference = (name: string, value: string | null | undefined, directory: typeof servers) =>
    value ? directory.resolve([...path, name], value) : value;
  return {
    ...rest,
    ...definedMembers({
      resource_server_id: reference("resource_server_id", resource_server_id, servers),
      authenticator_config_id: reference("authenticator_config_id", authenticator_config_id, configs),
      target_realm: target_realm === "*" ? target_realm : reference("target_realm", target_realm, tenant.realms),
      may_be_exchanged_by: may_be_exchanged_by && applications.resolveAll(exchangers, may_be_exchanged_by),
      protocol_config: protocol_config === undefined ? undefined : config,
    }),
  };
}

function definedMembers<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  return Object.assign(result, Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)));
}

function surroundingsOf(realm: RealmPlan, { servers, configIds }: ApplicationPlaces): ApplicationSurroundings {
  return {
    realm: { realmId: realm.key.realmId, isAdmin: realm.isAdmin },
    allowPlainPkce: realm.tenant.settings.settings.allow_plain_pkce,
    findResourceServer: (id) => {
      const server = servers.get(id);
      return server && { scopes: server.settings.scopes, isManaged: server.isManaged };
    },
    hasAuthenticatorConfig: (id) => configIds.has(id),
    hasRealm: (id) => realm.tenant.realms.has(id),
    hasApplication: (id) => realm.matches.directories.applications.has(id),
  };
}

// The API ignores them on a change (reference 1.3); a file that says something else than what is would never become true.
function refuseFixedMembers(planning: Planning, path: Path, declared: DeclaredApplication, stored: Application): void {
  const config = stored.settings.protocol_config;
  const written = declared.protocol_config;
  const place = (name: string) => [...path, "protocol_config", name];
  refuseOther(planning, place("type"), written?.type, config.type);
  refuseOther(planning, place("confidentiality"), written?.confidentiality, config.confidentiality);
  refuseOther(planning, place("grant_type"), written?.grant_type, config.grant_type);
  refuseOther(planning, place("client_id"), written?.client_id, stored.clientId);
}

function planClientId(
  { planning, tenant, state, matches }: RealmPlan,
  { path, declared, stored, id }: MatchedApplication,
) {
  const chosen = declared.protocol_config?.client_id;
  if (stored !== undefined) return stored.clientId;
  if (chosen === undefined) return newClientId(planning.deps.random);
  const place = [...path, "protocol_config", "client_id"];
  const reason = checkClientId(chosen);
  if (reason !== undefined) refuse(planning, place, reason);
  const key = subjectKey(chosen);
  // Rule 2: a client must not pass for a person; rule 34: nor for an audience.
  if (state.identities.some((identity) => identity.usernameKey === key))
    refuse(planning, place, "is a user name of this realm");
  if (tenant.identifiers.has(chosen)) refuse(planning, place, "is the identifier of a resource server");
  const isTaken =
    state.applications.some((application) => application.clientId === chosen) ||
    matches.applications.some((other) => other.id !== id && other.declared.protocol_config?.client_id === chosen);
  if (isTaken) refuse(planning, place, "is taken");
  return chosen;
}

function readDeclaredSecret(planning: Planning, path: Path): string | undefined {
  const place = [...path, "protocol_config", "client_secret"];
  const secret = planning.secrets.find(place);
  const reason = secret === undefined ? undefined : checkClientSecret(secret);
  if (reason !== undefined) refuse(planning, place, reason);
  return secret;
}

interface SecretChange {
  readonly key: ApplicationKey;
  readonly about: About;
  readonly what: string;
  readonly path: Path;
  readonly stored: Application;
  readonly secret: string;
}

function planSecret(realm: RealmPlan, { key, about, what, path, stored, secret }: SecretChange): void {
  const { planning } = realm;
  if (stored.secret !== undefined && equalBytes(stored.secret.hash, sha256(secret))) return;
  if (stored.isManaged) refuse(planning, path, "is managed by the server: its secret cannot be chosen");
  planning.steps.push({
    path,
    about,
    change: { action: "update", what, details: ["client_secret changed"] },
    write: (db) => updateApplicationSecret(db, key, storedSecret(realm, key, secret), planning.nowMs),
  });
}

function storedSecret({ planning, tenant }: RealmPlan, key: ApplicationKey, secret: string): StoredSecret {
  const isShownOnce = tenant.settings.settings.show_secrets_once;
  return { hash: sha256(secret), sealed: isShownOnce ? undefined : sealClientSecret(planning.deps, key, secret) };
}
