import { browserScriptRoutes } from "../http/browser-scripts.ts";
import type { Route } from "../http/route.ts";
import { finishAccountLogin } from "./account/finish-login.ts";
import { accountRoutes } from "./account/routes.ts";
import { bindingRoutes } from "./binding/routes.ts";
import { showLogin, submitLogin, withVisit } from "./dispatch.ts";
import { embeddedBindingRoutes } from "./embedded/binding-routes.ts";
import { bindingTokenRoutes } from "./embedded/binding-token.ts";
import { embeddedLoginRoutes } from "./embedded/routes.ts";
import type { LoginServices } from "./services.ts";

const LOGIN = "/authenticator/v1/tenants/:tenant/realms/:realm/requests/:request";

/** The login pages of a process. */
export function loginRoutes(services: LoginServices): readonly Route[] {
  return [
    ...browserScriptRoutes,
    ...bindingRoutes(services),
    ...accountRoutes(services),
    ...embeddedLoginRoutes(services),
    ...embeddedBindingRoutes(services),
    ...bindingTokenRoutes(services),
    { name: "login", method: "GET", path: LOGIN, kind: "page", handle: (request) => showLogin(services, request) },
    {
      name: "loginByPost",
      method: "POST",
      path: LOGIN,
      kind: "page",
      handle: (request) => submitLogin(services, request),
    },
    {
      name: "accountLoginFinish",
      method: "GET",
      path: `${LOGIN}/account`,
      kind: "page",
      handle: (request) => withVisit(services, request, finishAccountLogin),
    },
  ];
}
