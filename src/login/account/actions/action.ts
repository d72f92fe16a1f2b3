import type { FormFields } from "../../../http/page-form.ts";
import type { Page } from "../../../http/pages.ts";
import type { Texts } from "../../../http/texts/index.ts";
import type { AccountVisit } from "../visit.ts";

/** What the page says was done. */
export type AccountNotice = keyof Texts["account"]["done"];

/** What a form came to. What is not the person's own, or is gone already, comes to the same: nothing more is to be done. */
export type ActionResult =
  | { readonly kind: "done"; readonly notice?: AccountNotice; readonly setCookies?: readonly string[] }
  | { readonly kind: "page"; readonly page: Page };

/** Something that a person does on the account page. */
export interface AccountAction {
  /** what its forms are sent for */
  readonly name: string;
  /** whether the person must have logged in a moment ago */
  readonly needsRecent: boolean;
  /** whether it changes how the person signs in: `mayChangePasskeys` says who may */
  readonly changesPasskeys?: true;
  act(visit: AccountVisit, fields: FormFields): Promise<ActionResult>;
}
