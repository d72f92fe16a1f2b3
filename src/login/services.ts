import type { Deps } from "../deps.ts";
import type { AfterReply } from "../http/after-reply.ts";
import type { LoginLimiter } from "../http/login-limit.ts";
import type { DecisionRecorder } from "../resources/decision/recorder.ts";

/** What the login pages need of the world. */
export interface LoginServices {
  readonly deps: Pick<Deps, "config" | "database" | "clock" | "random" | "sealer" | "mail" | "log" | "metrics">;
  readonly decisions: DecisionRecorder;
  readonly loginLimiter: LoginLimiter;
  readonly afterReply: AfterReply;
}
