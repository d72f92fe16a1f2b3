import assert from "node:assert/strict";
import { test } from "node:test";
import { openScratchDatabase } from "../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../platform/random.ts";
import { withRollBack } from "./roll-back.ts";
import { statement } from "./statement.ts";

const tenantId = hexId(createRandom());
const note = statement("test.note_and_undo", "INSERT INTO test_undone VALUES ($1)");
const readNotes = statement("test.read_undone", "SELECT text FROM test_undone");

test("a transaction that is rolled back keeps nothing and answers what became of it; what is not is kept", async () => {
  const { database } = await openScratchDatabase();
  await database.maintain((session) =>
    session.query("CREATE TABLE test_undone (text text); GRANT ALL ON test_undone TO mayfly_app"),
  );
  const write = (text: string) =>
    withRollBack<string>((rollBack) =>
      database.transaction<string>([tenantId], async (session) => {
        await session.run(note, [text]);
        return text === "no" ? rollBack("undone") : "written";
      }),
    );
  assert.equal(await write("no"), "undone");
  assert.equal(await write("yes"), "written");
  assert.deepEqual(await database.tenants([tenantId]).run(readNotes, []), [{ text: "yes" }]);
});

test("another error is thrown on, and so is the roll back of somebody else", async () => {
  await assert.rejects(
    withRollBack(() => Promise.reject(new Error("trouble"))),
    /trouble/,
  );
  const outer = await withRollBack<string>((undoOuter) =>
    withRollBack<string>(() => Promise.resolve(undoOuter("outer"))).then(() => "the inner caught it"),
  );
  assert.equal(outer, "outer");
});
