import { fieldViolations } from "../http/management-error.ts";
import type { Checked } from "./settings.ts";

/** The settings that a rule accepted. Throws 400 naming everything that is wrong with them. */
export function demandValid<T>(checked: Checked<T>): T {
  if (!checked.ok) throw fieldViolations(checked.violations);
  return checked.value;
}
