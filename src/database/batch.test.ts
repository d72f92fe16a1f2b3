import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSimulatedTimers } from "../../test/support/simulated-timers.ts";
import { testCodeFlow } from "../../test/support/test-code-flow.ts";
import { readGrants } from "../resources/grant/queries.ts";
import { BATCH_SIZE_MAX, BATCH_WAIT_MS_MAX, createBatcher, RESEND_MS_MAX } from "./batch.ts";
import { DatabaseUnavailable } from "./database-error.ts";
import { bucketOf, bucketRange, bytea } from "./row-id.ts";

// The laws of settled 4, against a table that fails as a database does: for its data, before it committed, after it did, or by
// not answering for a while. Below, the same of the statement that spends and records.

/** A request that wants what `key` names; of several one gets it. */
interface Claim {
  readonly id: number;
  readonly key: number;
  readonly isBad: boolean;
}

/** What befalls one send of a batch, in the order of the sends; after the last, all goes well. */
type Fate = "works" | "lost before" | "lost after" | "refused" | "slow" | "slow and lost after";

interface Limits {
  readonly sizeMax: number;
  readonly inFlightMax: number;
  readonly queueMax: number;
}

/** What arrives in one turn of the loop, how many turns pass until the next, and how much time after them. */
interface Wave {
  readonly claims: readonly Omit<Claim, "id">[];
  readonly turns: number;
  readonly passMs: number;
}

interface Story {
  readonly limits: Limits;
  readonly waves: readonly Wave[];
  readonly fates: readonly Fate[];
}

interface Answered {
  readonly claim: Claim;
  /** how many claims waited when this one came */
  readonly waiting: number;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly outcome: PromiseSettledResult<string>;
}

const DATA_ERROR = Object.assign(new Error("bad value"), { code: "22P05" });
const SLOW_MS = 1_500;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The table: a claim is won by who came first, and whoever asks again for what he won is told so. */
function createTable(fates: readonly Fate[], time = createSimulatedTimers()) {
  const owners = new Map<number, number>();
  const sends: { readonly ids: readonly number[]; readonly items: readonly Claim[]; readonly atMs: number }[] = [];
  const left = [...fates];
  let running = 0;
  let runningMax = 0;

  async function run(items: readonly Claim[]): Promise<string[]> {
    sends.push({ ids: items.map(({ id }) => id), items, atMs: time.timers.nowMs() });
    running += 1;
    runningMax = Math.max(runningMax, running);
    const fate = left.shift() ?? "works";
    await turn();
    await turn();
    if (fate.startsWith("slow")) await new Promise<void>((resolve) => time.timers.after(SLOW_MS, resolve));
    running -= 1;
    if (fate === "refused") throw new DatabaseUnavailable("too many connections");
    if (fate === "lost before") throw new DatabaseUnavailable("connection lost", { mayHaveCommitted: true });
    if (items.some(({ isBad }) => isBad)) throw DATA_ERROR;
    for (const { id, key } of items) if (!owners.has(key)) owners.set(key, id);
    if (fate.endsWith("lost after")) throw new DatabaseUnavailable("connection lost", { mayHaveCommitted: true });
    return items.map(({ id, key }) => `${id} ${owners.get(key) === id}`);
  }
  return { run, sends, owners, runningMax: () => runningMax, ...time };
}

type Table = ReturnType<typeof createTable>;

/** Lets the story happen and waits for every answer. */
async function tell(story: Story): Promise<{ table: Table; answers: Answered[] }> {
  const table = createTable(story.fates);
  const { timers, pass } = table;
  const submit = createBatcher({ run: table.run, timers, ...story.limits });
  const answers: Promise<Answered>[] = [];
  const waiting = new Set<number>();
  let open = 0;
  let nextId = 0;
  const ask = (claim: Claim): Promise<Answered> => {
    for (const { ids } of table.sends) for (const id of ids) waiting.delete(id);
    const asked = { claim, waiting: waiting.size, sinceMs: timers.nowMs() };
    if (waiting.size < story.limits.queueMax) waiting.add(claim.id);
    open += 1;
    return Promise.allSettled([submit(claim)]).then(([outcome]) => {
      waiting.delete(claim.id);
      open -= 1;
      return { ...asked, atMs: timers.nowMs(), outcome };
    });
  };
  for (const { claims, turns, passMs } of story.waves) {
    for (const wanted of claims) answers.push(ask({ ...wanted, id: nextId++ }));
    for (let count = 0; count < turns; count += 1) await turn();
    await pass(passMs);
  }
  while (open > 0) await pass(SLOW_MS);
  return { table, answers: await Promise.all(answers) };
}

const claimMade = fc.record({
  key: fc.integer({ min: 0, max: 6 }),
  isBad: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const waveMade = fc.record({
  claims: fc.array(claimMade, { maxLength: 14 }),
  turns: fc.integer({ min: 0, max: 5 }),
  passMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 })),
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
  const since = new Map(answers.map(({ claim, sinceMs }) => [claim.id, sinceMs]));
  const first = new Map<number, { readonly batch: string; readonly atMs: number }>();
  for (const { ids, items, atMs } of sends) {
    const batch = ids.join(",");
    assert.ok(ids.length <= limits.sizeMax, "(e) a batch is too large");
    assert.deepEqual(
      items.map(({ id }) => id),
      ids,
      "(a) a batch was changed after it was sent",
    );
    for (const id of ids) {
      const before = first.get(id);
      if (before === undefined) {
        assert.ok(atMs - (since.get(id) ?? 0) < BATCH_WAIT_MS_MAX, "(e) a claim was sent that had waited too long");
        first.set(id, { batch, atMs });
        continue;
      }
      // (a), (c), (d): once sent, a claim is sent again in the same batch, or alone.
      assert.ok(before.batch === batch || ids.length === 1, `claim ${id} went from ${before.batch} to ${batch}`);
    }
  }
  const taken = answers.filter(({ waiting }) => waiting < limits.queueMax);
  const sent = taken.filter((answered) => !isLate(answered)).map(({ claim }) => claim.id);
  assert.deepEqual([...first.keys()], sent, "claims are sent in the order in which they came, and none is lost");
}

/** Whether a claim was refused because it had waited too long. */
function isLate({ outcome }: Answered): boolean {
  return outcome.status === "rejected" && /not sent within/.test(String(outcome.reason));
}

function checkAnswer(story: Story, { owners }: Table, answered: Answered): void {
  const { claim, waiting, outcome, sinceMs, atMs } = answered;
  if (outcome.status === "fulfilled") {
    assert.equal(claim.isBad, false, "(c) a bad claim was answered");
    // (b) and (d): the one owner is told so, however often his batch was sent; everybody else is not.
    assert.equal(outcome.value, `${claim.id} ${owners.get(claim.key) === claim.id}`, "an answer went to another claim");
    return;
  }
  const isUnavailable = outcome.reason instanceof DatabaseUnavailable;
  if (isUnavailable && !outcome.reason.mayHaveCommitted)
    assert.notEqual(owners.get(claim.key), claim.id, "(d) a claim won that was told that nothing was written");
  if (waiting >= story.limits.queueMax) {
    assert.ok(isUnavailable, "(e) more waited than may");
    return;
  }
  if (isLate(answered)) assert.equal(atMs - sinceMs, BATCH_WAIT_MS_MAX, "(e) a claim waited longer than it may");
  const isExcused = isUnavailable && (isLate(answered) || story.fates.some((fate) => /lost|refused/.test(fate)));
  assert.ok(isExcused || claim.isBad, "(c) a good claim failed with somebody else's data error");
}

test("batches keep their laws, whatever arrives when, and whatever is bad in it", async () => {
  const property = fc.asyncProperty(storyMade(fc.constant([])), async (story) => {
    const { table, answers } = await tell(story);
    checkLaws(story, table, answers);
  });
  await fc.assert(property, { numRuns: 500 });
});

test("batches keep their laws when connections are lost, before a commit and after it, and when answers come late", async () => {
  const fate = fc.constantFrom<Fate>("works", "lost before", "lost after", "refused", "slow", "slow and lost after");
  const property = fc.asyncProperty(storyMade(fc.array(fate, { maxLength: 12 })), async (story) => {
    const { table, answers } = await tell(story);
    checkLaws(story, table, answers);
  });
  await fc.assert(property, { numRuns: 500 });
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
  const submit = createBatcher({ run: table.run, timers: table.timers });
  const answers = Promise.all([1, 2].map((id) => submit({ id, key: 7, isBad: false })));
  await table.pass(1_000);
  assert.deepEqual(await answers, ["1 true", "2 false"]);
  assert.equal(table.sends.length, 3);
});

test("a batch that is lost for longer than it is sent again is given up, and its callers know that it may be written", async () => {
  const table = createTable(["lost after", ...Array.from<Fate>({ length: 30 }).fill("refused")]);
  const { timers, pass } = table;
  const submit = createBatcher({ run: table.run, timers });
  const answer = Promise.allSettled([submit({ id: 1, key: 1, isBad: false })]).then(([outcome]) => ({
    outcome,
    atMs: timers.nowMs(),
  }));
  await pass(2 * RESEND_MS_MAX);
  const { outcome, atMs } = await answer;
  assert.ok(outcome.status === "rejected" && outcome.reason instanceof DatabaseUnavailable);
  assert.equal(outcome.reason.mayHaveCommitted, true, "a refused send says nothing of the one that was lost");
  assert.ok(atMs > RESEND_MS_MAX / 2 && atMs <= RESEND_MS_MAX, `given up after ${atMs} ms`);
});

test("a batch is sent again while the server starts anew, and recognises what it had written before", async () => {
  const table = createTable(["lost after", "refused", "refused", "refused", "refused", "refused"]);
  const submit = createBatcher({ run: table.run, timers: table.timers });
  const answers = Promise.all([1, 2].map((id) => submit({ id, key: 7, isBad: false })));
  await table.pass(RESEND_MS_MAX);
  assert.deepEqual(await answers, ["1 true", "2 false"]);
});

test("who waited too long behind slow batches is refused and was not sent", async () => {
  const table = createTable(["slow", "slow", "slow"]);
  const submit = createBatcher({ run: table.run, timers: table.timers, inFlightMax: 1, sizeMax: 1 });
  const outcomes = Promise.allSettled([1, 2, 3].map((id) => submit({ id, key: id, isBad: false })));
  await table.pass(BATCH_WAIT_MS_MAX);
  await table.pass(SLOW_MS);
  assert.deepEqual(
    (await outcomes).map((one) => (one.status === "fulfilled" ? one.value : String(one.reason))),
    ["1 true", "2 true", `DatabaseUnavailable: not sent within ${BATCH_WAIT_MS_MAX} ms`],
  );
  assert.deepEqual([...table.owners.keys()], [1, 2]);
});

test("when the database goes away while a batch goes row by row, the rest is told at once that it was not written", async () => {
  const table = createTable(["works", "works", "refused"]);
  const submit = createBatcher({ run: table.run, timers: table.timers });
  const claims = [1, 2, 3, 4].map((id) => ({ id, key: id, isBad: id === 3 }));
  const outcomes = await Promise.allSettled(claims.map(submit));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "rejected"],
  );
  assert.deepEqual([...table.owners.keys()], [1]);
  assert.equal(table.sends.length, 3);
});

test("a batch is told that it may have been written before, and only then", async () => {
  const repeats: boolean[] = [];
  const table = createTable(["refused", "lost after", "works"]);
  const run = (items: Parameters<typeof table.run>[0], isRepeat: boolean) => {
    repeats.push(isRepeat);
    return table.run(items);
  };
  const submit = createBatcher({ run, timers: table.timers });
  await assert.rejects(submit({ id: 1, key: 1, isBad: false }));
  const answer = submit({ id: 2, key: 2, isBad: false });
  await table.pass(RESEND_MS_MAX);
  assert.equal(await answer, "2 true");
  assert.deepEqual(repeats, [false, false, true]);
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
    const rows = await db.run(sent.statement, [
      JSON.stringify(issues.map((one, n) => ({ ...one, n }))),
      sent.values[1],
      ...Array(2).fill(bucketOf(grantId)),
      ...Array(2).fill(recorded?.bucket),
      ...bucketRange([]), // no uses go over from another token
    ]);
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
