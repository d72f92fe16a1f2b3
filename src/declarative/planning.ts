import type { Queryable } from "../database/database.ts";
import type { Deps } from "../deps.ts";
import type { Checked } from "../resources/settings.ts";
import type { ChangedKind } from "./change-events.ts";
import { describeDifference, type Showing } from "./difference.ts";
import type { Path, Problem } from "./file.ts";
import type { PlannedServer } from "./realm-plan.ts";
import type { ResolvedSecrets } from "./secrets.ts";

/** One object that the file changes, in words without secrets. */
export interface Change {
  readonly action: "create" | "update" | "delete";
  /** kind, name and id of the object */
  readonly what: string;
  readonly details: readonly string[];
}

/** What a change is about, for its event. */
export interface About {
  readonly kind: ChangedKind;
  readonly id: string;
  /** the realm that the object is in; "" for the tenant */
  readonly realmId: string;
}

/** An event of a change besides the names of what changed: it names what was given or taken. */
export interface Told {
  readonly kind: ChangedKind;
  readonly action: "create" | "delete";
  /** lists of ids or names */
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/** A change and how it is written. */
export interface Step {
  readonly about: About;
  /** where this tells it all, in place of an event of `about` */
  readonly told?: readonly Told[];
  /** besides that event */
  readonly also?: readonly Told[];
  readonly path: Path;
  readonly change: Change;
  readonly write: (db: Queryable) => Promise<void>;
}

/** A tenant's plan while it is made: what it may read, and what it has found so far. */
export interface Planning {
  readonly deps: Pick<Deps, "config" | "random" | "sealer">;
  readonly db: Queryable;
  readonly nowMs: number;
  readonly secrets: ResolvedSecrets;
  readonly isPruned: boolean;
  /** first, so that their names are free for others */
  readonly deletions: Step[];
  readonly steps: Step[];
  readonly problems: Problem[];
}

/** One declared object beside the stored one. */
export interface PlannedObject<T> {
  readonly path: Path;
  readonly about: About;
  readonly what: string;
  readonly current: T | undefined;
  readonly checked: Checked<T>;
  readonly isManaged?: boolean;
  readonly showing?: Showing;
  /** events besides that of the object, of what was given or taken; `before` is undefined for a new one */
  readonly tell?: (before: T | undefined, after: T) => readonly Told[];
  readonly insert: (db: Queryable, settings: T) => Promise<void>;
  readonly update: (db: Queryable, settings: T) => Promise<void>;
}

/**
 * Plans one object: nothing when it is already so.
 *
 * @returns its settings as they will be; undefined when they are refused and there are none yet
 */
export function planObject<T>(planning: Planning, object: PlannedObject<T>): T | undefined {
  const { path, what, current, checked, about } = object;
  if (!checked.ok) {
    for (const { field, description } of checked.violations) {
      refuse(planning, [...path, ...field.split(".").slice(1)], description);
    }
    return current;
  }
  const settings = checked.value;
  const told = object.tell?.(current, settings) ?? [];
  if (current === undefined) {
    const change: Change = { action: "create", what, details: [] };
    planning.steps.push({ path, about, change, also: told, write: (db) => object.insert(db, settings) });
    return settings;
  }
  planUpdate(planning, { ...object, current, settings, told });
  return settings;
}

/** What a stored object becomes. */
export interface PlannedUpdate<T>
  extends Pick<PlannedObject<T>, "path" | "about" | "what" | "isManaged" | "showing" | "update"> {
  readonly current: T;
  readonly settings: T;
  /** events besides that of the object */
  readonly told?: readonly Told[];
}

/** Plans what a stored object becomes: nothing when it is already so. */
export function planUpdate<T>(planning: Planning, planned: PlannedUpdate<T>): void {
  const { path, about, what, current, settings, told = [], update } = planned;
  const details = describeDifference(current, settings, planned.showing ?? "values");
  if (details.length === 0) return;
  if (planned.isManaged)
    refuse(planning, path, `is managed by the server and cannot be changed (${details.join("; ")})`);
  planning.steps.push({
    path,
    about,
    also: told,
    change: { action: "update", what, details },
    write: (db) => update(db, settings),
  });
}

/** Of these scopes those that a resource server will have: what it loses, nobody keeps, whether the file names him or not. */
export function withoutLost(scopes: readonly string[], server: PlannedServer | undefined): string[] {
  const held = new Set(server?.settings.scopes);
  return scopes.filter((scope) => held.has(scope));
}

/** Notes something that is wrong; the plan goes on, so that all of it is told at once. */
export function refuse(planning: Planning, path: Path, rule: string): void {
  planning.problems.push({ path, rule });
}

/** Refuses a written member that differs from what it has been since the object was made. */
export function refuseOther(planning: Planning, path: Path, written: unknown, stored: unknown): void {
  if (written === undefined || written === null || describeDifference(stored, written, "names").length === 0) return;
  refuse(planning, path, `cannot be changed; it is ${JSON.stringify(stored)}`);
}

/** Who belongs to an object: what the file says, beside what is stored. */
export interface PlannedMembers {
  readonly path: Path;
  readonly about: About;
  readonly what: string;
  readonly kind: string;
  /** how events name the list: `identity_ids` */
  readonly list: string;
  readonly current: readonly string[];
  readonly wanted: readonly string[];
  readonly add: (db: Queryable, ids: readonly string[]) => Promise<unknown>;
  readonly remove: (db: Queryable, ids: readonly string[]) => Promise<unknown>;
}

/** Plans a list of members, which is set whole like every list. */
export function planMembers(planning: Planning, members: PlannedMembers): void {
  const current = new Set(members.current);
  const wanted = new Set(members.wanted);
  const added = [...wanted.difference(current)];
  const removed = [...current.difference(wanted)];
  if (added.length === 0 && removed.length === 0) return;
  const details = [`${members.kind}: ${[...added.map((id) => `+${id}`), ...removed.map((id) => `-${id}`)].join(" ")}`];
  planning.steps.push({
    path: members.path,
    about: members.about,
    told: [
      { kind: members.about.kind, action: "create", lists: { [members.list]: added } },
      { kind: members.about.kind, action: "delete", lists: { [members.list]: removed } },
    ],
    change: { action: "update", what: members.what, details },
    write: async (db) => {
      if (added.length > 0) await members.add(db, added);
      if (removed.length > 0) await members.remove(db, removed);
    },
  });
}

/** Plans the deletion of what a list that is written does not name, where the tenant is pruned (settled 14). */
export function planDeletions(
  planning: Planning,
  path: Path,
  unnamed: readonly {
    readonly about: About;
    readonly what: string;
    readonly write: (db: Queryable) => Promise<void>;
  }[],
): void {
  if (!planning.isPruned) return;
  for (const { about, what, write } of unnamed) {
    planning.deletions.push({ path, about, change: { action: "delete", what, details: [] }, write });
  }
}

/** One line: `update application "Demo" (id): protocol_config.pkce: "disabled" -> "s256"`. */
export function formatChange({ action, what, details }: Change): string {
  return [`${action} ${what}`, ...(details.length > 0 ? [details.join("; ")] : [])].join(": ");
}
