import assert from "node:assert/strict";
import { TOKEN_EXCHANGE } from "../../src/protocol/token-exchange.ts";
import { type Answer, postForm } from "./http.ts";
import { ACCESS_TOKEN } from "./token-exchange.ts";

// Trees of tokens as a model and as a server's answers. The model knows nothing of how the server keeps them: a token lives while it and
// all that it descends from do.

/** An application of a forest: a client of its own, which may exchange the others' tokens. */
export interface Forester {
  readonly issuer: string;
  readonly authorization: string;
}

/** What is to be tried: a root where `parent` names no token, else an exchange. */
export interface Sprout {
  readonly application: number;
  /** counted round among the tokens that there are */
  readonly parent: number | undefined;
  readonly seconds: number;
  /** how many of the parent's scopes are left out */
  readonly dropped: number;
}

/** A token of the model. */
export interface Tree {
  readonly access: string;
  readonly application: number;
  readonly parent: Tree | undefined;
  readonly actors: number;
  readonly scope: readonly string[];
  /** lowered when it is shortened */
  expiresAt: number;
  isRevoked: boolean;
}

export const FOREST_SCOPES = ["a", "b", "c", "d"];
const ANCESTORS_MAX = 8;
const ACTORS_MAX = 4;

/** The tokens that a token descends from, itself first. */
export function lineOf(tree: Tree): readonly Tree[] {
  return tree.parent === undefined ? [tree] : [tree, ...lineOf(tree.parent)];
}

/** When a token ends by the model: at the first end of its line, at once where one was revoked. */
export function endOf(tree: Tree): number {
  return Math.min(...lineOf(tree).map(({ isRevoked, expiresAt }) => (isRevoked ? 0 : expiresAt)));
}

/** Tokens that grow at a server and in the model; `now` is the tenant's time. */
export class Forest {
  readonly trees: Tree[] = [];
  now: number;
  readonly #foresters: readonly Forester[];

  constructor(foresters: readonly Forester[], now: number) {
    this.#foresters = foresters;
    this.now = now;
  }

  /** Asks for tokens, all at once, and asserts that each was given or refused as the model says. */
  async grow(sprouts: readonly Sprout[]): Promise<void> {
    const existing = [...this.trees];
    const grown = await Promise.all(sprouts.map((sprout) => this.#growOne(sprout, existing)));
    this.trees.push(...grown.flatMap((tree) => tree ?? []));
  }

  async #growOne(sprout: Sprout, existing: readonly Tree[]): Promise<Tree | undefined> {
    const parent = sprout.parent === undefined ? undefined : existing[sprout.parent % Math.max(existing.length, 1)];
    const held = parent?.scope ?? FOREST_SCOPES;
    const scope = held.slice(0, Math.max(1, held.length - sprout.dropped));
    const isOther = parent !== undefined && parent.application !== sprout.application;
    const grant =
      parent === undefined
        ? { grant_type: "client_credentials" }
        : { grant_type: TOKEN_EXCHANGE, subject_token: parent.access, subject_token_type: ACCESS_TOKEN };
    const form = { ...grant, scope: scope.join(" "), expiration_time: String(sprout.seconds) };
    const answer = await this.send(sprout.application, "/token", form);
    const actors = (parent?.actors ?? 0) + (isOther ? 1 : 0);
    const left = parent === undefined ? sprout.seconds : endOf(parent) - this.now;
    const isLineTooLong = parent !== undefined && (lineOf(parent).length > ANCESTORS_MAX || actors > ACTORS_MAX);
    if (left <= 0 || isLineTooLong) {
      assert.equal(answer.status, 400, answer.text);
      return undefined;
    }
    assert.equal(answer.status, 200, answer.text);
    const seconds = Math.min(sprout.seconds, left); // the applications clamp
    assert.equal(answer.json?.expires_in, seconds);
    const access = String(answer.json?.access_token);
    return {
      access,
      application: sprout.application,
      parent,
      actors,
      scope,
      expiresAt: this.now + seconds,
      isRevoked: false,
    };
  }

  async revoke(tree: Tree): Promise<void> {
    const answer = await this.send(tree.application, "/revoke", { token: tree.access });
    assert.equal(answer.status, 200, answer.text);
    tree.isRevoked = true;
  }

  async shorten(tree: Tree, seconds: number): Promise<void> {
    const form = { token: tree.access, expiration_time: String(seconds) };
    const answer = await this.send(tree.application, "/shorten", form);
    assert.equal(answer.status, 200, answer.text);
    if (endOf(tree) > this.now) tree.expiresAt = Math.min(tree.expiresAt, this.now + seconds);
  }

  /** Asserts that the server says of each token what the model says: no more and no less. */
  async check(trees: readonly Tree[] = this.trees): Promise<void> {
    const answers = await Promise.all(
      trees.map((tree) => this.send(tree.application, "/introspect", { token: tree.access })),
    );
    for (const [n, tree] of trees.entries()) {
      const { active, exp, scope } = answers[n]?.json ?? {};
      const isAlive = this.now < endOf(tree);
      const told = isAlive ? [true, endOf(tree), tree.scope.join(" ")] : [false, undefined, undefined];
      assert.deepEqual([active, exp, scope], told, `${lineOf(tree).length - 1} ancestors`);
      for (const ancestor of lineOf(tree)) assert.ok(tree.scope.every((one) => ancestor.scope.includes(one)));
    }
  }

  send(application: number, path: string, form: Readonly<Record<string, string>>): Promise<Answer> {
    const forester = this.#foresters[application];
    if (forester === undefined) throw new Error("no such application");
    return postForm(`${forester.issuer}${path}`, form, { authorization: forester.authorization });
  }
}
