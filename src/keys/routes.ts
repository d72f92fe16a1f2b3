import { Type } from "typebox";
import type { Deps } from "../deps.ts";
import { notFound } from "../http/management-error.ts";
import { parseBodyOf } from "../http/query.ts";
import { type HttpReply, type HttpRequest, jsonReply, type Route, realmKeyOf } from "../http/route.ts";
import type { RealmKey, SigningAlgorithm } from "../protocol/client-metadata.ts";
import { insertEvents, type NewEvent } from "../resources/event/queries.ts";
import { eventSourceOf } from "../resources/event-source.ts";
import { findRealmFacts, type RealmFacts } from "../resources/realm/queries.ts";
import { oneOf } from "../resources/schema-parts.ts";
import { listSigningKeys, type SigningKeyRow } from "../resources/signing-key/queries.ts";
import { SIGNING_ALGORITHMS } from "./algorithms.ts";
import { rotateNow } from "./rotate.ts";
import { describeState, hasKey, type KeyState } from "./schedule.ts";

const PATH = "/v1/tenants/:tenant/realms/:realm/keys";

const RotateBody = Type.Object(
  { algorithm: Type.Optional(oneOf(SIGNING_ALGORITHMS)) },
  { additionalProperties: false },
);

/** A signing key as the management API shows it; instants are seconds of the tenant's time. */
interface KeyResource {
  /** the `kid` of the JWTs that it signs */
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  readonly state: KeyState;
  readonly signs_from: number;
  /** all that it has signed is expired by then; 0 as long as it has signed nothing */
  readonly latest_expiry: number;
  readonly compromised_at?: number;
}

/**
 * The signing keys of a realm: listing them, and making the next one before its time. The scopes of reference 2.1 name no keys; a
 * realm's keys are read and changed as the realm is.
 */
export function keyRoutes(deps: Deps): readonly Route[] {
  return [
    {
      name: "ListKeys",
      method: "GET",
      path: PATH,
      kind: "management",
      scopes: ["realms:read"],
      handle: (request) => handleList(deps, request),
    },
    {
      name: "RotateKeys",
      method: "POST",
      path: `${PATH}::rotate`,
      kind: "management",
      scopes: ["realms:update"],
      schema: { body: RotateBody },
      handle: (request) => handleRotate(deps, request),
    },
  ];
}

async function handleList(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const { key, clockOffsetSeconds } = await findPathRealm(deps, request);
  const rows = await listSigningKeys(deps.database.tenants([key.tenantId]), key);
  return jsonReply(200, toList(rows, rows, deps.clock.nowSeconds() + clockOffsetSeconds));
}

/** Makes the next key of one algorithm, or of each that the realm has keys of. The old one signs until it may (rule 39). */
async function handleRotate(deps: Deps, request: HttpRequest): Promise<HttpReply> {
  const { algorithm } = parseBodyOf(request, RotateBody);
  const { key, clockOffsetSeconds } = await findPathRealm(deps, request);
  const now = deps.clock.nowSeconds() + clockOffsetSeconds;
  const db = deps.database.tenants([key.tenantId]);
  const before = await listSigningKeys(db, key);
  const used = SIGNING_ALGORITHMS.filter((one) => hasKey(before, one));
  const wanted = algorithm === undefined ? used : [algorithm];
  const next: SigningKeyRow[] = [];
  for (const one of wanted) next.push(await rotateNow(deps, key, one, now));
  const made = next.filter(({ keyId }) => !before.some((row) => row.keyId === keyId));
  if (made.length > 0) await recordRotation(deps, request, key, made);
  return jsonReply(200, toList(next, await listSigningKeys(db, key), now));
}

// After the keys: each is made by a statement of its own, and what is made once stays. Of the 26 types of events none is of keys.
async function recordRotation(
  deps: Deps,
  request: HttpRequest,
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
  await insertEvents(deps.database.tenants([tenantId]), tenantId, [event]);
}

async function findPathRealm(deps: Deps, request: HttpRequest): Promise<RealmFacts> {
  const { realm = "" } = request.parameters;
  const key = realmKeyOf(request);
  const facts = key === undefined ? undefined : await findRealmFacts(deps.database.tenants([key.tenantId]), key);
  if (facts === undefined) throw notFound("Realm", realm);
  return facts;
}

function toList(shown: readonly SigningKeyRow[], all: readonly SigningKeyRow[], now: number) {
  const keys = shown.map((row): KeyResource => {
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
