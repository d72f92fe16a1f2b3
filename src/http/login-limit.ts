import type { Clock } from "../platform/clock.ts";
import { sha256 } from "../platform/hash.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import { OAuthError } from "../protocol/oauth-error.ts";
import { sourceNetwork } from "../protocol/source-network.ts";
import { createAllowances, type LeasedPart, type WantedPart } from "./allowances.ts";

const TOO_MANY_STATUS = 429;
/** What one source network may, as a part of what its realm may. */
const NETWORK_SHARE = 10;
/** What newcomers of a realm may be mailed, likewise: somebody could name anybody's address there. */
const NEWCOMER_SHARE = 100;
/** A node lets every network begin so many logins a minute without asking: an ordinary login costs nothing. */
const UNASKED = 10;

/** Whose logins are counted: all of a realm, those from one source network, or those of newcomers. */
export interface CountedLogins {
  readonly realm: RealmKey;
  /** SHA-256 of whose they are: what is kept holds no personal data */
  readonly countedKey: Uint8Array;
  /** the part of the realm's allowance that it has, as 1 / share */
  readonly share: number;
}

/** Takes a part of a minute's allowance. Undefined when the tenant is gone. */
export type LeaseLogins = (counted: CountedLogins, part: WantedPart) => Promise<LeasedPart | undefined>;

/**
 * Bounds how many logins are begun in a minute, in a realm and there from one source network, by all nodes together: each is kept for
 * its lifetime, whoever sent it. Slows down and locks nobody out: in the next minute all go on.
 */
export interface LoginLimiter {
  /** Counts a login, or an attempt that failed. Throws OAuthError 429 with `Retry-After`; `recorded` says that a decision tells of it. */
  admit(realm: RealmKey, remoteAddress: string): Promise<void>;
  /** Counts a code for an address that is nobody's yet; false: it is one too many in this minute. */
  admitNewcomer(realm: RealmKey): Promise<boolean>;
}

/** A node's limiter. */
export function createLoginLimiter(parts: {
  readonly clock: Pick<Clock, "nowMs">;
  readonly lease: LeaseLogins;
}): LoginLimiter {
  const nameOf = ({ realm, countedKey }: CountedLogins): string =>
    `${realm.tenantId}/${realm.realmId}/${Buffer.from(countedKey).toString("base64url")}`;
  const networks = createAllowances<CountedLogins>({ ...parts, nameOf, unasked: UNASKED });
  const realms = createAllowances<CountedLogins>({ ...parts, nameOf });
  const counted = ({ tenantId, realmId }: RealmKey, who: string, share: number): CountedLogins => ({
    realm: { tenantId, realmId },
    countedKey: sha256(who),
    share,
  });
  return {
    admitNewcomer: async (realm) => (await realms.take(counted(realm, "newcomers", NEWCOMER_SHARE))).isAdmitted,
    admit: async (realm, remoteAddress) => {
      const network = counted(realm, `network ${sourceNetwork(remoteAddress)}`, NETWORK_SHARE);
      // A network that may no more takes nothing of what the others have.
      for (const [limit, who] of [
        ["network", () => networks.take(network)],
        ["realm", () => realms.take(counted(realm, "realm", 1))],
      ] as const) {
        const { isAdmitted, isFirstRefusal, resetSeconds } = await who();
        if (isAdmitted) continue;
        throw new OAuthError(
          "temporarily_unavailable",
          "too many logins are begun in this minute; try again in the next",
          {
            status: TOO_MANY_STATUS,
            retryAfterSeconds: resetSeconds,
            // A flood must not fill the store with decisions: one a minute, limit and node.
            facts: { limit, ...(isFirstRefusal ? {} : { recorded: true }) },
          },
        );
      }
    },
  };
}
