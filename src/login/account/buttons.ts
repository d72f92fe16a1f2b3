import { type Html, html } from "../../http/html.ts";
import { openForm } from "./form.ts";
import type { AccountVisit } from "./visit.ts";

/** What can be done to one thing. */
export interface Button extends ButtonRow {
  readonly action: string;
  readonly label: string;
}

/** What the buttons of one thing have in common. */
export interface ButtonRow {
  /** what it is done to, for whoever hears the page and does not see what is beside it */
  readonly about: string;
  readonly id?: { readonly name: string; readonly value: string };
}

/** A form with one button. */
export function button(visit: AccountVisit, { action, label, ...row }: Button): Html {
  return buttons(visit, row, [{ action, label }]);
}

/** A form with a button for each thing that can be done. */
export function buttons(
  visit: AccountVisit,
  { about, id }: ButtonRow,
  actions: readonly Pick<Button, "action" | "label">[],
): Html {
  return html`${openForm(visit)}
${id && html`<input type="hidden" name="${id.name}" value="${id.value}">`}${actions.map(
  ({ action, label }) => html`
<button name="action" value="${action}" aria-label="${label}: ${about}">${label}</button>`,
)}
</form>`;
}
