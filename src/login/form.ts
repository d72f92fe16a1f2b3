import { type FormFields, readPageForm } from "../http/page-form.ts";
import { formToken } from "../resources/authorization-request/rules.ts";
import type { Visit } from "./visit.ts";

/** Reads a form of a login's pages: what `readPageForm` says, keyed by the browser's secret and the login. */
export function readLoginForm({ http, secret, services, stored }: Visit): FormFields {
  const { publicUrl } = services.deps.config;
  return readPageForm(http, { publicUrl, token: formToken(secret, stored.id) });
}
