// Authentication context classes (OIDC Core §2, rule 32), the weakest first: each meets those before it.

/** The classes that a login can reach here, for `acr_values_supported`. */
export const ACR_VALUES: readonly string[] = ["mayfly:1"];

/** Whether a login can reach any of these classes. */
export function isAnyAcrReachable(requested: readonly string[]): boolean {
  return requested.some((acr) => ACR_VALUES.includes(acr));
}

/** The `acr` to say: of those that were asked for the first that the login has met, else what it has reached (rule 32). */
export function chooseAcr(requested: readonly string[], reached: string): string {
  const rank = ACR_VALUES.indexOf(reached);
  return requested.find((acr) => ACR_VALUES.includes(acr) && ACR_VALUES.indexOf(acr) <= rank) ?? reached;
}
