import type { Config } from "./config.ts";
import type { Database } from "./database/database.ts";
import type { Clock } from "./platform/clock.ts";
import type { Log } from "./platform/log.ts";
import type { MailTransport } from "./platform/mail.ts";
import type { Metrics } from "./platform/metrics.ts";
import type { Random } from "./platform/random.ts";
import type { Sealer } from "./platform/seal.ts";
import type { Tracing } from "./platform/tracing.ts";

/** The outside world as one value: everything a request may touch besides its own parameters. */
export interface Deps {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly sealer: Sealer;
  readonly mail: MailTransport;
  readonly log: Log;
  readonly metrics: Metrics;
  /** absent unless traces were asked for */
  readonly tracing?: Tracing | undefined;
}
