import type { Page } from "../../http/pages.ts";
import type { AuthorizationRequest } from "../../resources/authorization-request/queries.ts";
import type { LoginMethod, LoginState } from "../../resources/authorization-request/schema.ts";
import type { FormFields } from "../form.ts";
import type { Visit } from "../visit.ts";

/** What a form came to: the login has moved on, or the page is shown again and says why it has not. */
export type StepResult =
  | { readonly kind: "moved"; readonly stored: AuthorizationRequest; readonly notice?: Notice }
  | { readonly kind: "page"; readonly page: Page };

/** What the next page says of what has just been done. */
export type Notice = "code_sent_again";

/** One way of finding out who somebody is, or of asking somebody who is known. Steps never call each other: the dispatcher reads where a login stands and picks one. */
export interface LoginStep {
  /** the authentication method of authenticator configs that it is; undefined: it authenticates nobody */
  readonly method: LoginMethod | undefined;
  /** where a login stands when this step's pages are shown */
  readonly states: readonly LoginState[];
  show(visit: Visit, notice: Notice | undefined): Page | Promise<Page>;
  submit(visit: Visit, fields: FormFields): Promise<StepResult>;
}
