import type { Deps } from "../deps.ts";
import type { AfterReply } from "../http/after-reply.ts";
import type { LoginLimiter } from "../http/login-limit.ts";
import type { EmbeddedSigner } from "../keys/embedded-request.ts";
import type { RealmKey } from "../protocol/client-metadata.ts";
import type { DecisionRecorder } from "../resources/decision/recorder.ts";
import type { LiveCountRecorder } from "../resources/live-count/recorder.ts";
import type { RealmFacts } from "../resources/realm/queries.ts";

/** What the login pages need of the world. */
export interface LoginServices {
  readonly keys: EmbeddedSigner["keys"];
  readonly deps: Pick<Deps, "config" | "database" | "clock" | "random" | "sealer" | "mail" | "log" | "metrics">;
  /** What is known of a realm, a moment old at most. */
  readonly findRealmFacts: (realm: RealmKey) => Promise<RealmFacts | undefined>;
  readonly decisions: DecisionRecorder;
  readonly loginLimiter: LoginLimiter;
  readonly afterReply: AfterReply;
  /** what ends here of families and tokens is counted there */
  readonly liveTokens: LiveCountRecorder;
}
