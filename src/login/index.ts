import type { Deps } from "../deps.ts";
import type { Route } from "../http/route.ts";
import type { DecisionRecorder } from "../resources/decision/recorder.ts";
import { createAfterReply } from "./after-reply.ts";
import { showLogin, submitLogin } from "./dispatch.ts";
import type { LoginServices } from "./services.ts";

const LOGIN = "/authenticator/v1/tenants/:tenant/realms/:realm/requests/:request";

/** The login pages of a process. */
export interface Login {
  readonly routes: readonly Route[];
  /** Resolves when every mail that was promised is sent or recorded as not sent: for whoever stops the server. */
  settled(): Promise<void>;
}

/** Opens the login pages. */
export function createLogin(deps: Deps, decisions: DecisionRecorder): Login {
  const services: LoginServices = { deps, decisions, afterReply: createAfterReply(deps.log) };
  return {
    routes: [
      { name: "login", method: "GET", path: LOGIN, kind: "page", handle: (request) => showLogin(services, request) },
      {
        name: "loginByPost",
        method: "POST",
        path: LOGIN,
        kind: "page",
        handle: (request) => submitLogin(services, request),
      },
    ],
    settled: () => services.afterReply.settled(),
  };
}
