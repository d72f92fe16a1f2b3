import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedDatabase } from "../../../test/support/scratch-database.ts";
import { createRandom, hexId } from "../../platform/random.ts";
import { insertMail, listMails } from "./queries.ts";

const random = createRandom();

async function fixture(kind: "production" | "test") {
  const { database } = await sharedDatabase();
  const realm = { tenantId: hexId(random), realmId: hexId(random) };
  await database.maintain((session) =>
    session.query(
      `INSERT INTO tenants (tenant_id, display_name, kind, refresh_key_sealed, created_at_ms, updated_at_ms)
       VALUES ($1, 't', $2, '', 0, 0)`,
      [realm.tenantId, kind],
    ),
  );
  return { database, realm, db: database.tenants([realm.tenantId]) };
}

const mail = (createdAtMs: number) => ({
  mailId: hexId(random),
  recipient: "ada@example.com",
  subject: "Your code",
  body: "424242",
  createdAtMs,
});

test("a test tenant's mails are listed newest first, as many as asked for, to that tenant only", async () => {
  const { database, realm, db } = await fixture("test");
  for (const createdAtMs of [2, 3, 1]) assert.equal(await insertMail(db, realm, mail(createdAtMs)), true);
  const newest = await listMails(db, realm, 2);
  assert.deepEqual(
    newest.map(({ createdAtMs }) => createdAtMs),
    [3, 2],
  );
  assert.equal(newest[0]?.body, "424242");
  assert.deepEqual(await listMails(database.tenants([hexId(random)]), realm, 2), []);
});

test("a production tenant's mail is never kept", async () => {
  const { realm, db } = await fixture("production");
  assert.equal(await insertMail(db, realm, mail(1)), false);
  assert.deepEqual(await listMails(db, realm, 10), []);
});
