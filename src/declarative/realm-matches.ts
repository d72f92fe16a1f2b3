import { hexId, uuid } from "../platform/random.ts";
import { subjectKey } from "../protocol/subject.ts";
import type { Application } from "../resources/application/queries.ts";
import type { AuthenticatorConfig } from "../resources/authenticator-config/queries.ts";
import type { Group } from "../resources/group/queries.ts";
import type { Identity } from "../resources/identity/queries.ts";
import type { ResourceServer } from "../resources/resource-server/queries.ts";
import type { Path } from "./file.ts";
import type {
  DeclaredApplication,
  DeclaredAuthenticatorConfig,
  DeclaredGroup,
  DeclaredIdentity,
  DeclaredRealm,
  DeclaredResourceServer,
} from "./file-schema.ts";
import { createDirectory, type Directory, type Entry, findUnnamed, type Matched, matchObjects } from "./matching.ts";
import type { Planning } from "./planning.ts";
import type { RealmState } from "./realm-state.ts";

/** Every declared object of a realm with the stored one that it is, and what references may mean. */
export interface RealmMatches {
  readonly servers: readonly Matched<DeclaredResourceServer, ResourceServer>[];
  readonly configs: readonly Matched<DeclaredAuthenticatorConfig, AuthenticatorConfig>[];
  readonly groups: readonly Matched<DeclaredGroup, Group>[];
  readonly identities: readonly Matched<DeclaredIdentity, Identity>[];
  readonly applications: readonly Matched<DeclaredApplication, Application>[];
  readonly directories: RealmDirectories;
}

export interface RealmDirectories {
  readonly servers: Directory;
  readonly configs: Directory;
  readonly groups: Directory;
  readonly identities: Directory;
  readonly applications: Directory;
}

/** Matches all that a realm's declaration names, before any of it is planned: objects refer to one another both ways. */
export function matchRealmObjects(
  planning: Planning,
  path: Path,
  declared: DeclaredRealm,
  state: RealmState,
): RealmMatches {
  const matches = {
    servers: matchServers(planning, path, declared, state),
    configs: matchConfigs(planning, path, declared, state),
    groups: matchGroups(planning, path, declared, state),
    identities: matchIdentities(planning, path, declared, state),
    applications: matchApplications(planning, path, declared, state),
  };
  return { ...matches, directories: createDirectories(planning, state, matches) };
}

function matchServers(planning: Planning, path: Path, declared: DeclaredRealm, state: RealmState) {
  const list = {
    path: [...path, "resource_servers"],
    declared: declared.resource_servers ?? [],
    stored: state.servers,
  };
  return matchObjects(planning, list, {
    idOf: (server) => server.key.resourceServerId,
    keyOf: (server) => server.settings.identifier,
    declaredKeyOf: (server) => server.identifier ?? undefined,
    newId: () => uuid(planning.deps.random),
  });
}

function matchConfigs(planning: Planning, path: Path, declared: DeclaredRealm, state: RealmState) {
  const list = {
    path: [...path, "authenticator_configs"],
    declared: declared.authenticator_configs ?? [],
    stored: state.configs,
  };
  return matchObjects(planning, list, {
    idOf: (config) => config.key.authenticatorConfigId,
    keyOf: (config) => config.settings.display_name,
    declaredKeyOf: (config) => config.display_name ?? undefined,
    newId: () => uuid(planning.deps.random),
  });
}

function matchGroups(planning: Planning, path: Path, declared: DeclaredRealm, state: RealmState) {
  const list = { path: [...path, "groups"], declared: declared.groups ?? [], stored: state.groups };
  return matchObjects(planning, list, {
    idOf: (group) => group.key.groupId,
    keyOf: (group) => subjectKey(group.settings.display_name),
    declaredKeyOf: (group) => keyOf(group.display_name),
    newId: () => hexId(planning.deps.random),
  });
}

function matchIdentities(planning: Planning, path: Path, declared: DeclaredRealm, state: RealmState) {
  const list = { path: [...path, "identities"], declared: declared.identities ?? [], stored: state.identities };
  return matchObjects(planning, list, {
    idOf: (identity) => identity.key.identityId,
    keyOf: (identity) => identity.usernameKey,
    declaredKeyOf: (identity) => keyOf(identity.traits?.username),
    newId: () => hexId(planning.deps.random),
  });
}

// Their ids are required (settled 14), so display names, which may repeat, are only for references.
function matchApplications(planning: Planning, path: Path, declared: DeclaredRealm, state: RealmState) {
  const list = {
    path: [...path, "applications"],
    declared: declared.applications ?? [],
    stored: state.applications,
  };
  return matchObjects(planning, list, {
    idOf: (application) => application.key.applicationId,
    keyOf: () => undefined,
    declaredKeyOf: () => undefined,
    newId: () => uuid(planning.deps.random),
  });
}

function createDirectories(
  planning: Planning,
  state: RealmState,
  matches: Omit<RealmMatches, "directories">,
): RealmDirectories {
  const servers = merge(state.servers, matches.servers, serverEntry, (server) => [server.identifier]);
  const configs = merge(state.configs, matches.configs, configEntry, (config) => [config.display_name]);
  const groups = merge(state.groups, matches.groups, groupEntry, (group) => [group.display_name]);
  const people = merge(state.identities, matches.identities, identityEntry, ({ traits }) => [traits?.username]);
  const applications = merge(state.applications, matches.applications, applicationEntry, (application) => [
    application.display_name,
    application.protocol_config?.client_id,
  ]);
  return {
    servers: createDirectory(planning, "resource server of this realm", servers),
    configs: createDirectory(planning, "authenticator config of this realm", configs),
    groups: createDirectory(planning, "group of this realm", groups, subjectKey),
    identities: createDirectory(planning, "identity of this realm", people, subjectKey),
    applications: createDirectory(planning, "application of this realm", applications),
  };
}

// A declared object is known by what the file calls it, and by what it is called now where the file does not say.
function merge<Declared, Stored>(
  stored: readonly Stored[],
  matched: readonly Matched<Declared, Stored>[],
  entryOf: (stored: Stored) => Entry,
  namesOf: (declared: Declared) => Entry["names"],
): Entry[] {
  const named = matched.map((match) => {
    const now = match.stored === undefined ? [] : entryOf(match.stored).names;
    const names = namesOf(match.declared).map((name, position) => name ?? now[position]);
    return { id: match.id, names, isDeclared: true };
  });
  return [...findUnnamed(stored, matched).map(entryOf), ...named];
}

function serverEntry({ key, settings }: ResourceServer): Entry {
  return { id: key.resourceServerId, names: [settings.identifier] };
}

function configEntry({ key, settings }: AuthenticatorConfig): Entry {
  return { id: key.authenticatorConfigId, names: [settings.display_name] };
}

function groupEntry({ key, settings }: Group): Entry {
  return { id: key.groupId, names: [settings.display_name] };
}

function identityEntry({ key, traits }: Identity): Entry {
  return { id: key.identityId, names: [traits.username] };
}

function applicationEntry({ key, settings, clientId }: Application): Entry {
  return { id: key.applicationId, names: [settings.display_name, clientId] };
}

function keyOf(name: string | null | undefined): string | undefined {
  return typeof name === "string" ? subjectKey(name) : undefined;
}
