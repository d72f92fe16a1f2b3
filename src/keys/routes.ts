import { type Static, Type } from "typebox";
import { insertWithPartitions } from "../database/partitions.ts";
import { notFound } from "../http/management-error.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { pageOf } from "../resources/answer-parts.ts";
import { type Call, realmOf } from "../resources/call.ts";
import { eventBucket, insertEvents, type NewEvent } from "../resources/event/queries.ts";
import { eventSourceOf } from "../resources/event-source.ts";
import { acts, reads } from "../resources/operations.ts";
import { findRealmFacts } from "../resources/realm/queries.ts";
import { oneOf } from "../resources/schema-parts.ts";
import { listSigningKeys, type SigningKeyRow } from "../resources/signing-key/queries.ts";
import { SIGNING_ALGORITHMS } from "./algorithms.ts";
import { rotateNow } from "./rotate.ts";
import { describeState, hasKey, KEY_STATES } from "./schedule.ts";

const KEYS = "/v1/tenants/{tenant}/realms/{realm}/keys";
const TAG = "Signing keys";

const RotateBody = Type.Object(
  { algorithm: Type.Optional(oneOf(SIGNING_ALGORITHMS)) },
  { additionalProperties: false },
);

/** A signing key as the management API shows it; instants are seconds of the tenant's time. */
const KeyAnswer = Type.Object(
  {
    /** the `kid` of the JWTs that it signs */
    id: Type.String(),
    algorithm: oneOf(SIGNING_ALGORITHMS),
    state: oneOf(KEY_STATES),
    signs_from: Type.Integer(),
    /** all that it has signed is expired by then; 0 as long as it has signed nothing */
    latest_expiry: Type.Integer(),
    compromised_at: Type.Optional(Type.Integer()),
  },
  { additionalProperties: false },
);
const KeysAnswer = pageOf("keys", KeyAnswer);
type KeysAnswer = Static<typeof KeysAnswer>;

/**
 * The signing keys of a realm: listing them, and making the next one before its time. The scopes of reference 2.1 name no keys; a
 * realm's keys are read and changed as the realm is.
 */
export const KEY_OPERATIONS = [
  reads(
    {
      name: "ListKeys",
      method: "GET",
      path: KEYS,
      tag: TAG,
      summary: "Lists the keys that sign the realm's tokens, in the order in which they do.",
      scopes: ["realms:read"],
      answer: KeysAnswer,
    },
    async (call) => {
      const { key, now } = await findPathRealm(call);
      const rows = await listSigningKeys(call.db, key);
      return { value: toList(rows, rows, now) };
    },
  ),
  acts(
    {
      name: "RotateKeys",
      method: "POST",
      path: `${KEYS}:rotate`,
      tag: TAG,
      // Rule 1 has nothing to compare here: a rotation ends no token, shows no secret, and gives nobody anything.
      summary:
        "Makes the next key of one algorithm, or of each that the realm has keys of. The old one signs until it may.",
      scopes: ["realms:update"],
      body: RotateBody,
      answer: KeysAnswer,
    },
    async (call) => {
      const { deps, db, body } = call;
      const { key, now } = await findPathRealm(call);
      const before = await listSigningKeys(db, key);
      const used = SIGNING_ALGORITHMS.filter((one) => hasKey(before, one));
      const wanted = body.algorithm === undefined ? used : [body.algorithm];
      const next: SigningKeyRow[] = [];
      for (const one of wanted) next.push(await rotateNow(deps, key, one, now)); // rule 39
      const made = next.filter(({ keyId }) => !before.some((row) => row.keyId === keyId));
      if (made.length > 0) await recordRotation(call, key, made);
      return { value: toList(next, await listSigningKeys(db, key), now) };
    },
  ),
] as const;

async function findPathRealm(call: Call<unknown, unknown>): Promise<{ readonly key: RealmKey; readonly now: number }> {
  const key = realmOf(call);
  const facts = await findRealmFacts(call.db, key);
  if (facts === undefined) throw notFound("Realm", key.realmId);
  return { key, now: call.deps.clock.nowSeconds() + facts.clockOffsetSeconds };
}

// After the keys: each is made by a statement of its own, and what is made once stays. Of the 26 types of events none is of keys.
async function recordRotation(
  { deps, db, request }: Call<unknown, unknown>,
  { tenantId, realmId }: RealmKey,
  made: readonly SigningKeyRow[],
): Promise<void> {
  const event: NewEvent = {
    ...eventSourceOf(deps.clock, request),
    type: "V1RealmChange",
    action: "UPDATE",
    realmId,
    resource: { type: "Realm", id: realmId },
    facts: { changed: ["keys"], made: made.map(({ keyId, algorithm }) => `${algorithm} ${keyId}`) },
  };
  const insert = (): Promise<void> => insertEvents(db, tenantId, [event]);
  await insertWithPartitions(deps.database, "events", [eventBucket(event.atMs)], insert);
}

function toList(shown: readonly SigningKeyRow[], all: readonly SigningKeyRow[], now: number): KeysAnswer {
  const keys = shown.map((row) => {
    return {
      id: row.keyId,
      algorithm: row.algorithm,
      state: describeState(all, row, now),
      signs_from: row.signsFromAt,
      latest_expiry: row.latestExpiryAt,
      ...(row.compromisedAt === undefined ? {} : { compromised_at: row.compromisedAt }),
    };
  });
  return { keys, total_size: keys.length };
}
