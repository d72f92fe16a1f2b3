// Authentication context classes (OIDC Core §2, rule 32), the weakest first: each meets those before it.

import type { AuthenticationMethod } from "./webauthn/passkey-methods.ts";

/** A code by mail; a passkey; a passkey that was told who its person is. */
export const ACR = { code: "mayfly:1", passkey: "mayfly:2", verifiedPasskey: "mayfly:3" } as const;

/** The classes that a login can reach here, for `acr_values_supported`. */
export const ACR_VALUES: readonly string[] = [ACR.code, ACR.passkey, ACR.verifiedPasskey];

const REACHED: Readonly<Record<string, readonly string[]>> = {
  email_one_time_password: [ACR.code],
  fido2: [ACR.passkey, ACR.verifiedPasskey],
  webauthn_passkey: [ACR.verifiedPasskey],
};

/** The classes that logins by these methods end in. */
export function reachableAcrs(methods: readonly Pick<AuthenticationMethod, "type">[]): readonly string[] {
  return ACR_VALUES.filter((acr) => methods.some(({ type }) => REACHED[type]?.includes(acr)));
}

/** Whether a login that has reached this class meets one of those that are wanted. */
export function meetsAnyAcr(reached: string, wanted: readonly string[]): boolean {
  const rank = ACR_VALUES.indexOf(reached);
  return wanted.some((acr) => ACR_VALUES.includes(acr) && ACR_VALUES.indexOf(acr) <= rank);
}

/** Whether a login that can reach these classes can meet one of those that are requested. */
export function isAnyAcrReachable(requested: readonly string[], reachable: readonly string[]): boolean {
  return reachable.some((acr) => meetsAnyAcr(acr, requested));
}

/** The `acr` to say: of those that were asked for the first that the login has met, else what it has reached (rule 32). */
export function chooseAcr(requested: readonly string[], reached: string): string {
  return requested.find((acr) => meetsAnyAcr(reached, [acr])) ?? reached;
}
