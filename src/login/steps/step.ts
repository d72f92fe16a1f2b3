import type { FormFields } from "../../http/page-form.ts";
import type { Page } from "../../http/pages.ts";
import type { AuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import type { LoginMethod, LoginState } from "../../resources/authorization-request/schema.ts";
import type { Visit } from "../visit.ts";

/** What a form came to: the login has moved on, or the page is shown again and says why it has not. */
export type StepResult =
  | { readonly kind: "moved"; readonly stored: AuthorizationRequest; readonly notice?: Notice }
  | { readonly kind: "page"; readonly page: Page; readonly why?: StepRefusal };

/** Why a login has not moved on, for whoever shows it otherwise than by our page. */
export type StepRefusal = "wrong_code" | "tries_spent" | "wrong_passkey" | "denied";

/** What the next page says of what has just been done. */
export type Notice = "code_sent_again";

/**
 * One way of finding out who somebody is, or of asking somebody who is known. Steps never call each other: the dispatcher reads where a
 * login stands, and picks for a page the first of that state, and for a form the one that it is sent for.
 */
export interface LoginStep {
  /** the authentication methods of authenticator configs that it serves; undefined: it authenticates nobody */
  readonly methods: readonly LoginMethod[] | undefined;
  /** where a login stands when this step's pages are shown, or when what they send is taken */
  readonly states: readonly LoginState[];
  /** what its forms are sent for; every other step of the same state has others */
  readonly actions: readonly string[];
  show(visit: Visit, notice: Notice | undefined): Page | Promise<Page>;
  submit(visit: Visit, fields: FormFields): Promise<StepResult>;
}
