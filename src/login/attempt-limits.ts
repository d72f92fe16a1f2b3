import type { Queryable } from "../database/database.ts";
import { withRollBack } from "../database/roll-back.ts";
import type { Clock } from "../platform/clock.ts";
import { sha256 } from "../platform/hash.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { sourceNetwork } from "../protocol/source-network.ts";
import { type Attempt, type AttemptKind, addAttempt, sumAttempts } from "../resources/attempt-count/queries.ts";
import type { LoginServices } from "./services.ts";

const SECONDS_PER_HOUR = 3_600;
// Counts are kept by the hour of the clock. Any sixty minutes lie within two of them and any day within twenty-five, so that
// "at most" holds for every hour and day and not for those of the clock alone.
const HOUR_WINDOW = 2;
const DAY_WINDOW = 25;
/** Rule 35: what one source network may do, as a multiple of what one address may. */
const NETWORK_FACTOR = 10;

interface Limit {
  readonly windowHours: number;
  readonly attemptsMax: number;
}

/** Rule 35, for one address of one realm. */
const LIMITS: Readonly<Record<AttemptKind, readonly Limit[]>> = {
  code_sent: [{ windowHours: HOUR_WINDOW, attemptsMax: 5 }],
  wrong_try: [
    { windowHours: HOUR_WINDOW, attemptsMax: 10 },
    { windowHours: DAY_WINDOW, attemptsMax: 30 },
  ],
};

/** Wrong codes of a whole realm in an hour, of whatever addresses and networks: with more, its codes are longer. */
const GUESSED_MIN = 1_000;
const REALM = "realm";

/** Who attempts what, and where. */
export interface Attempted {
  readonly realm: RealmKey;
  readonly kind: AttemptKind;
  readonly emailKey: string;
  readonly remoteAddress: string;
}

/** `limit`: it was one too many, and was not counted. */
export type AttemptOutcome = "counted" | "taken_back" | "limit";

/**
 * Counts an attempt before it is judged, over all nodes and exactly: of many at once no more are judged than the limits allow
 * (rule 35). In real time, whatever a tenant's clock says (rule 26).
 *
 * @param isCounted judges the attempt, once it is known to be within the limits; false takes the count back, as for a right guess
 */
export async function countAttempt(
  services: LoginServices,
  attempted: Attempted,
  isCounted: () => boolean,
): Promise<AttemptOutcome> {
  const { database, clock } = services.deps;
  const hour = hourOf(clock);
  return withRollBack<AttemptOutcome>((rollBack) =>
    database.transaction<AttemptOutcome>([attempted.realm.tenantId], async (session) => {
      // Always in this order, so that two transactions never wait for each other.
      const address = await isWithin(session, attempted, { hour, who: `address ${attempted.emailKey}`, factor: 1 });
      const network = `network ${sourceNetwork(attempted.remoteAddress)}`;
      const source = await isWithin(session, attempted, { hour, who: network, factor: NETWORK_FACTOR });
      if (!address || !source) return rollBack("limit");
      if (!isCounted()) return rollBack("taken_back");
      if (attempted.kind === "wrong_try") await addAttempt(session, attempted.realm, guessesAt(hour), [HOUR_WINDOW]);
      return "counted";
    }),
  );
}

async function isWithin(
  session: Queryable,
  { realm, kind }: Attempted,
  counted: { readonly hour: number; readonly who: string; readonly factor: number },
): Promise<boolean> {
  const limits = LIMITS[kind];
  const attempt = { countedKey: sha256(counted.who), kind, hour: counted.hour };
  const sums = await addAttempt(
    session,
    realm,
    attempt,
    limits.map(({ windowHours }) => windowHours),
  );
  return limits.every(
    ({ attemptsMax }, index) => (sums[index] ?? Number.POSITIVE_INFINITY) <= attemptsMax * counted.factor,
  );
}

/** Whether so many codes of a realm were guessed wrong in the last hour that somebody guesses everywhere, a little at each address. */
export async function isGuessedAt({ deps }: LoginServices, realm: RealmKey): Promise<boolean> {
  const db = deps.database.tenants([realm.tenantId]);
  const [guesses = 0] = await sumAttempts(db, realm, guessesAt(hourOf(deps.clock)), [HOUR_WINDOW]);
  return guesses > GUESSED_MIN;
}

function guessesAt(hour: number): Attempt {
  return { countedKey: sha256(REALM), kind: "wrong_try", hour };
}

function hourOf(clock: Pick<Clock, "nowSeconds">): number {
  return Math.floor(clock.nowSeconds() / SECONDS_PER_HOUR);
}
