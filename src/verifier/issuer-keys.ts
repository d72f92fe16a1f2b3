import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../platform/clock.ts";

/** Keys are published longer before they sign than this. */
const KEPT_MS = 300_000;
/** For so long keys go on being used at most where the issuer cannot be reached. */
const KEPT_MS_MAX = 86_400_000;
/** Keys that are there are not read again sooner, be it that a token names an unknown one, or that they could not be had. */
const REREAD_MS = 30_000;
const TIMEOUT_MS = 3_000;

/** Where keys are. */
export interface KeysSource {
  readonly url: string;
  readonly monotonicMs: Clock["monotonicMs"];
  /** for how long keys that have grown old go on being used where they cannot be read again; in all, a day at most */
  readonly awayMsMax: number;
  /** told of each try that failed */
  readonly onError: (error: Error) => void;
}

/** The keys of an issuer. */
export interface IssuerKeys {
  readonly find: JWTVerifyGetKey;
  /** Fetches them. Rejects where they cannot be had. */
  load(): Promise<void>;
}

/** The issuer answered that it has no keys (any more): it is mistyped, or it or its realm was deleted. */
export class KeysGone extends Error {}

/** Opens the keys at a URL: read again as they grow old, and used for a while longer where they cannot be. */
export function createIssuerKeys({ url, monotonicMs, awayMsMax, onError }: KeysSource): IssuerKeys {
  const keptMsMax = Math.min(KEPT_MS + awayMsMax, KEPT_MS_MAX);
  // When they are read again, is decided here: jose would read them anew for any unknown key, and drop them where it cannot.
  const remote = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: fetchKeys,
  });
  let loadedAtMs = Number.NEGATIVE_INFINITY;
  let failure: { readonly error: Error; readonly atMs: number } | undefined;
  let loading: Promise<void> | undefined;
  const isYounger = (ms: number): boolean => monotonicMs() - loadedAtMs <= ms;

  async function fetchAnew(): Promise<void> {
    try {
      await remote.reload();
      loadedAtMs = monotonicMs();
      failure = undefined;
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      failure = { error, atMs: monotonicMs() };
      if (error instanceof KeysGone) loadedAtMs = Number.NEGATIVE_INFINITY;
      onError(error);
      throw error;
    } finally {
      loading = undefined;
    }
  }

  function load(): Promise<void> {
    const isAway = failure !== undefined && monotonicMs() - failure.atMs < REREAD_MS;
    if (isAway && isYounger(keptMsMax)) return Promise.reject(failure?.error);
    loading ??= fetchAnew();
    return loading;
  }

  async function refresh(): Promise<void> {
    try {
      await load();
    } catch (error) {
      if (!isYounger(keptMsMax)) throw error;
    }
  }

  return {
    load,
    find: async (header, token) => {
      if (!isYounger(KEPT_MS)) await refresh();
      try {
        return await remote(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || isYounger(REREAD_MS)) throw error;
        await load();
        return remote(header, token);
      }
    },
  };
}

async function fetchKeys(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options);
  if (response.status === 404 || response.status === 410)
    throw new KeysGone(`${url} answered ${response.status}: it has no keys of an issuer`);
  return response;
}
