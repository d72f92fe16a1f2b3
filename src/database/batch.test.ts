import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testCodeFlow } from "../../test/support/test-code-flow.ts";
import { readGrants } from "../resources/grant/queries.ts";
import { BATCH_SIZE_MAX, createBatcher } from "./batch.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { bucketOf, bytea } from "./row-id.ts";

// The laws of settled 4, against a table that fails as a database does: for its data, before it committed, after it did.
// Below, the same of the statement that spends and records.

/** A request that wants what `key` names; of several one gets it. */
interface Claim {
  readonly id: number;
  readonly key: number;
  readonly isBad: boolean;
}

/** What befalls one send of a batch, in the order of the sends; after the last, all goes well. */
type Fate = "works" | "lost before" | "lost after" | "refused";

interface Limits {
  readonly sizeMax: number;
  readonly inFlightMax: number;
  readonly queueMax: number;
}

interface Story {
  readonly limits: Limits;
  /** what arrives in one turn of the loop, and how many turns pass until the next */
  readonly waves: readonly { readonly claims: readonly Omit<Claim, "id">[]; readonly turns: number }[];
  readonly fates: readonly Fate[];
}

interface Answered {
  readonly claim: Claim;
  /** how many claims waited when this one came */
  readonly waiting: number;
  readonly outcome: PromiseSettledResult<string>;
}

const DATA_ERROR = Object.assign(new Error("bad value"), { code: "22P05" });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The table: a claim is won by who came first, and whoever asks again for what he won is told so. */
function createTable(fates: readonly Fate[]) {
  const owners = new Map<number, number>();
  const sends: { readonly ids: readonly number[]; readonly items: readonly Claim[] }[] = [];
  const left = [...fates];
  let running = 0;
  let runningMax = 0;

  async function run(items: readonly Claim[]): Promise<string[]> {
    sends.push({ ids: items.map(({ id }) => id), items });
    running += 1;
    runningMax = Math.max(runningMax, running);
    await turn();
    await turn();
    running -= 1;
    const fate = left.shift() ?? "works";
    if (fate === "refused") throw new DatabaseUnavailable("too many connections");
    if (fate === "lost before") throw new DatabaseUnavailable("connection lost", { mayHaveCommitted: true });
    if (items.some(({ isBad }) => isBad)) throw DATA_ERROR;
    for (const { id, key } of items) if (!owners.has(key)) owners.set(key, id);
    if (fate === "lost after") throw new DatabaseUnavailable("connection lost", { mayHaveCommitted: true });
    return items.map(({ id, key }) => `${id} ${owners.get(key) === id}`);
  }
  return { run, sends, owners, runningMax: () => runningMax };
}

type Table = ReturnType<typeof createTable>;

/** Lets the story happen and waits for every answer. */
async function tell(story: Story): Promise<{ table: Table; answers: Answered[] }> {
  const table = createTable(story.fates);
  const submit = createBatcher({ run: table.run, ...story.limits });
  const answers: Promise<Answered>[] = [];
  const accepted = new Set<number>();
  let nextId = 0;
  for (const { claims, turns } of story.waves) {
    for (const wanted of claims) {
      const claim: Claim = { ...wanted, id: nextId++ };
      const sent = new Set(table.sends.flatMap(({ ids }) => ids));
      const waiting = [...accepted].filter((id) => !sent.has(id)).length;
      if (waiting < story.limits.queueMax) accepted.add(claim.id);
      answers.push(Promise.allSettled([submit(claim)]).then(([outcome]) => ({ claim, waiting, outcome })));
    }
    for (let count = 0; count < turns; count += 1) await turn();
  }
  return { table, answers: await Promise.all(answers) };
}

const claimMade = fc.record({
  key: fc.integer({ min: 0, max: 6 }),
  isBad: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const waveMade = fc.record({
  claims: fc.array(claimMade, { maxLength: 14 }),
  turns: fc.integer({ min: 0, max: 5 }),
});
const limitsMade = fc.record({
  sizeMax: fc.integer({ min: 1, max: 6 }),
  inFlightMax: fc.integer({ min: 1, max: 3 }),
  queueMax: fc.integer({ min: 1, max: 20 }),
});

function storyMade(fates: fc.Arbitrary<readonly Fate[]>): fc.Arbitrary<Story> {
  return fc.record({ limits: limitsMade, waves: fc.array(waveMade, { minLength: 1, maxLength: 5 }), fates });
}

function checkLaws(story: Story, table: Table, answers: readonly Answered[]): void {
  checkSends(story, table, answers);
  for (const answered of answers) checkAnswer(story, table, answered);
}

function checkSends({ limits }: Story, { sends, runningMax }: Table, answers: readonly Answered[]): void {
  assert.ok(runningMax() <= limits.inFlightMax, "(e) too many batches in flight");
  const seen = new Map<number, string>();
  const order: number[] = [];
  for (const { ids, items } of sends) {
    const batch = ids.join(",");
    assert.ok(ids.length <= limits.sizeMax, "(e) a batch is too large");
    assert.deepEqual(
      items.map(({ id }) => id),
      ids,
      "(a) a batch was changed after it was sent",
    );
    for (const id of ids) {
      const before = seen.get(id);
      if (before === undefined) order.push(id);
      // (a), (c), (d): once sent, a claim is sent again in the same batch, or alone.
      else assert.ok(before === batch || ids.length === 1, `claim ${id} went from batch ${before} to batch ${batch}`);
      seen.set(id, batch);
    }
  }
  const taken = answers.filter(({ waiting }) => waiting < limits.queueMax).map(({ claim }) => claim.id);
  assert.deepEqual(order, taken, "claims are sent in the order in which they came, and none is lost");
}

function checkAnswer({ limits, fates }: Story, { owners }: Table, { claim, waiting, outcome }: Answered): void {
  if (waiting >= limits.queueMax) {
    assert.equal(outcome.status, "rejected", "(e) more waited than may");
    assert.ok(outcome.status === "rejected" && outcome.reason instanceof DatabaseUnavailable);
    return;
  }
  const mayBeUnavailable = fates.some((fate) => fate !== "works");
  if (outcome.status === "rejected") {
    const isExcused = mayBeUnavailable && outcome.reason instanceof DatabaseUnavailable;
    assert.ok(isExcused || claim.isBad, "(c) a good claim failed with somebody else's data error");
    return;
  }
  assert.equal(claim.isBad, false, "(c) a bad claim was answered");
  // (b) and (d): the one owner is told so, however often his batch was sent; everybody else is not.
  assert.equal(outcome.value, `${claim.id} ${owners.get(claim.key) === claim.id}`, "an answer went to another claim");
}

test("batches keep their laws, whatever arrives when, and whatever is bad in it", async () => {
  const property = fc.asyncProperty(storyMade(fc.constant([])), async (story) => {
    const { table, answers } = await tell(story);
    checkLaws(story, table, answers);
  });
  await fc.assert(property, { numRuns: 500 });
});

test("batches keep their laws when connections are lost, before a commit and after it", async () => {
  const fate = fc.constantFrom<Fate>("works", "lost before", "lost after", "refused");
  const property = fc.asyncProperty(storyMade(fc.array(fate, { maxLength: 8 })), async (story) => {
    const { table, answers } = await tell(story);
    checkLaws(story, table, answers);
  });
  // A lost batch waits before it is sent again, so many stories are told side by side.
  await Promise.all(Array.from({ length: 50 }, () => fc.assert(property, { numRuns: 10 })));
});

test("a claim that comes while a batch is under way waits for the next", async () => {
  const table = createTable([]);
  const submit = createBatcher({ run: table.run, inFlightMax: 1 });
  const first = submit({ id: 1, key: 1, isBad: false });
  await turn();
  const second = submit({ id: 2, key: 2, isBad: false });
  const third = submit({ id: 3, key: 3, isBad: false });
  assert.deepEqual(await Promise.all([first, second, third]), ["1 true", "2 true", "3 true"]);
  assert.deepEqual(
    table.sends.map(({ ids }) => ids),
    [[1], [2, 3]],
  );
});

test("claims of one turn of the loop travel together, 64 at most", async () => {
  const table = createTable([]);
  const submit = createBatcher({ run: table.run });
  const claims = Array.from({ length: BATCH_SIZE_MAX + 1 }, (_, id) => ({ id, key: id, isBad: false }));
  await Promise.all(claims.map(submit));
  assert.deepEqual(
    table.sends.map(({ ids }) => ids.length),
    [BATCH_SIZE_MAX, 1],
  );
});

test("a claim whose connection was lost in COMMIT is sent again and knows its own work", async () => {
  const table = createTable(["lost after", "lost before", "works"]);
  const submit = createBatcher({ run: table.run });
  const answers = await Promise.all([1, 2].map((id) => submit({ id, key: 7, isBad: false })));
  assert.deepEqual(answers, ["1 true", "2 false"]);
  assert.equal(table.sends.length, 3);
});

test("a batch that is lost three times is given up, and its callers are told that it may have been written", async () => {
  const table = createTable(["lost after", "lost before", "lost before"]);
  const submit = createBatcher({ run: table.run });
  await assert.rejects(submit({ id: 1, key: 1, isBad: false }), {
    name: "DatabaseUnavailable",
    mayHaveCommitted: true,
  });
  assert.equal(await submit({ id: 2, key: 1, isBad: false }), "2 false");
});

test("what was certainly not written is not sent again", async () => {
  const table = createTable(["refused"]);
  const submit = createBatcher({ run: table.run });
  await assert.rejects(submit({ id: 1, key: 1, isBad: false }), DatabaseUnavailable);
  assert.equal(table.sends.length, 1);
});

test("a batch that is answered with another number of results fails whole", async () => {
  const submit = createBatcher({ run: async () => ["one"] });
  const answers = await Promise.allSettled([submit(1), submit(2)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["rejected", "rejected"],
  );
});

/** The statement that spends and records, with a row for it: an exchange that was recorded, made into one of an unspent code. */
async function unspentIssue() {
  const flow = await testCodeFlow();
  const { tenant } = flow;
  const { database } = tenant.server.deps;
  const spent = await flow.grant();
  tenant.server.sent.length = 0;
  assert.equal((await flow.exchange(spent)).status, 200);
  const sent = tenant.server.sent.find(({ statement }) => statement.name === "token.issue");
  assert.ok(sent);
  const [recorded]: readonly Record<string, unknown>[] = JSON.parse(String(sent.values[0]));
  const { grantId } = await flow.grant();
  const db = database.tenants([tenant.tenantId]);
  // What one request writes; the last three bytes of the id tell the rows of one request apart.
  const issue = (number: number, members: object = {}) => ({
    ...recorded,
    id: `${String(recorded?.id).slice(0, -6)}${number.toString(16).padStart(6, "0")}`,
    grant_id: bytea(grantId),
    grant_bucket: bucketOf(grantId),
    ...members,
  });
  const write = async (issues: readonly object[]): Promise<boolean[]> => {
    const rows = await db.run(sent.statement, [JSON.stringify(issues.map((one, n) => ({ ...one, n })))]);
    return issues.map((_, n) => rows.some((row) => row.n === n));
  };
  const count = async (): Promise<unknown> => {
    const text = "SELECT count(*)::integer AS tokens FROM tokens WHERE grant_id = decode($1, 'hex')";
    const values = [bytea(grantId).slice(2)];
    const [counted] = await database.maintain((session) => session.query(text, values));
    const [grant] = await readGrants(db, [{ ...tenant.realm, id: grantId }]);
    return { ...counted, version: grant?.version };
  };
  return { issue, write, count };
}

test("of several claims in one batch one wins, and nothing else is written", async () => {
  const { issue, write, count } = await unspentIssue();
  const answers = await write([issue(1), issue(2), issue(3)]);
  assert.equal(answers.filter((won) => won).length, 1);
  assert.deepEqual(await count(), { tokens: 1, version: 2 });
  assert.deepEqual(await write([issue(4)]), [false]);
  assert.deepEqual(await count(), { tokens: 1, version: 2 });
});

test("a batch that is sent again after it was committed answers the same and writes nothing twice", async () => {
  const { issue, write, count } = await unspentIssue();
  const free = issue(9, { expected_version: null, grant_id: null, grant_bucket: null });
  const batch = [issue(1), issue(2), free];
  const answers = await write(batch);
  const written = await count();
  assert.deepEqual(await write(batch), answers);
  assert.deepEqual(await write(batch.toReversed()), answers.toReversed());
  assert.deepEqual(await count(), written);
});

test("a row that the database refuses fails alone", async () => {
  const { issue, write, count } = await unspentIssue();
  const submit = createBatcher({ run: write });
  const free = { expected_version: null, grant_id: null, grant_bucket: null };
  const bad = [issue(1, { ...free, issued_at: null }), issue(2, { ...free, scope: "\0" })];
  const answers = await Promise.allSettled([bad[0], issue(3, free), bad[1], issue(4)].map((one) => submit(one ?? {})));
  assert.deepEqual(
    answers.map((one) => (one.status === "fulfilled" ? one.value : "refused")),
    ["refused", true, "refused", true],
  );
  assert.deepEqual(await count(), { tokens: 1, version: 2 });
});
