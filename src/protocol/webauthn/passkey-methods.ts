// Which passkeys the methods of an authenticator config allow (reference 2.3 and 3.5, rule 32).

/** An authentication method, as authenticator configs name it. */
export interface AuthenticationMethod {
  readonly type: string;
  readonly authenticator_attachment?: "platform" | "cross-platform" | undefined;
}

/** How passkeys are asked for. */
export interface PasskeyPolicy {
  /** whether the person must show the authenticator who it is, by a finger, a face or a PIN */
  readonly userVerification: "required" | "preferred";
  /** where a new one may be kept; undefined: anywhere */
  readonly attachment: "platform" | "cross-platform" | undefined;
}

const PASSKEY_TYPES: readonly string[] = ["webauthn_passkey", "fido2"];

/** How passkeys are asked for where these methods are allowed; undefined where none may be used. */
export function passkeyPolicyOf(methods: readonly AuthenticationMethod[]): PasskeyPolicy | undefined {
  const allowed = methods.filter(({ type }) => PASSKEY_TYPES.includes(type));
  const [first, ...others] = allowed.map(attachmentOf);
  if (allowed.length === 0) return undefined;
  return {
    userVerification: allowed.every(({ type }) => type === "webauthn_passkey") ? "required" : "preferred",
    attachment: others.every((attachment) => attachment === first) ? first : undefined,
  };
}

// Reference 3.5: a hardware passkey is kept by the device itself unless the config says otherwise.
function attachmentOf(method: AuthenticationMethod): PasskeyPolicy["attachment"] {
  return method.authenticator_attachment ?? (method.type === "webauthn_passkey" ? "platform" : undefined);
}

/** What a passkey that was used is called in policies: `fido2` is one that did not say who its person is. */
export function passkeyTypeOf(isUserVerified: boolean): "webauthn_passkey" | "fido2" {
  return isUserVerified ? "webauthn_passkey" : "fido2";
}
