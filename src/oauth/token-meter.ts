import { METRICS } from "../platform/metric-table.ts";
import type { CounterCell, Metrics } from "../platform/metrics.ts";
import type { GrantType } from "../protocol/access-token.ts";
import type { TokenFormat } from "../protocol/client-metadata.ts";
import type { LifetimeGranted } from "../protocol/lifetime.ts";

/** Counts tokens and how long they live. */
export interface TokenMeter {
  /**
   * For one request: counts the lifetime that its caller asked for, in seconds, undefined if it asked for none. However often the
   * request is tried, it is counted once.
   */
  request(): (lifetimeSeconds: number | undefined) => void;
  issued(grantType: GrantType, format: TokenFormat, lifetime: LifetimeGranted): void;
}

export function createTokenMeter(metrics: Metrics): TokenMeter {
  const requested = metrics.histogram(METRICS.requestedLifetime).cell();
  const granted = metrics.histogram(METRICS.grantedLifetime);
  const byBasis = { requested: granted.cell("requested"), default: granted.cell("default") };
  const issued = metrics.counter(METRICS.tokensIssued);
  const byKind = new Map<GrantType, Map<TokenFormat, CounterCell>>();
  return {
    request: () => {
      let isCounted = false;
      return (lifetimeSeconds) => {
        if (lifetimeSeconds !== undefined && !isCounted) requested.observe(lifetimeSeconds);
        isCounted = true;
      };
    },
    issued: (grantType, format, lifetime) => {
      const formats = byKind.get(grantType) ?? new Map<TokenFormat, CounterCell>();
      const cell = formats.get(format) ?? issued.cell(grantType, format);
      byKind.set(grantType, formats.set(format, cell));
      cell.add();
      byBasis[lifetime.ledger.basis].observe(lifetime.grantedSeconds);
    },
  };
}
