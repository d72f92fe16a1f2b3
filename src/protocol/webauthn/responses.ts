import { type Static, Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";

// What a browser answers to a ceremony, as JSON (WebAuthn Level 3 §5.1 "toJSON"). Other members than these decide nothing.

const ID_LENGTH_MAX = 1_364; // 1,023 bytes (WebAuthn Level 3 §4 "Credential ID")
const BYTES_LENGTH_MAX = 16_384;
/** Longest JSON that is looked at, in characters. */
const RESPONSE_LENGTH_MAX = 65_536;
const TRANSPORTS_MAX = 8;

const base64url = (maxLength: number) => Type.String({ pattern: "^[A-Za-z0-9_-]+$", maxLength });
const Id = base64url(ID_LENGTH_MAX);
const Bytes = base64url(BYTES_LENGTH_MAX);

const RegistrationResponse = Type.Object({
  id: Id,
  rawId: Id,
  type: Type.Literal("public-key"),
  response: Type.Object({
    clientDataJSON: Bytes,
    attestationObject: Bytes,
    transports: Type.Optional(Type.Array(Type.String({ pattern: "^[a-z-]{1,20}$" }), { maxItems: TRANSPORTS_MAX })),
  }),
});
export type RegistrationResponse = Static<typeof RegistrationResponse>;

const AuthenticationResponse = Type.Object({
  id: Id,
  rawId: Id,
  type: Type.Literal("public-key"),
  response: Type.Object({
    clientDataJSON: Bytes,
    authenticatorData: Bytes,
    signature: Bytes,
    userHandle: Type.Optional(base64url(128)),
  }),
});
export type AuthenticationResponse = Static<typeof AuthenticationResponse>;

const registration = Compile(RegistrationResponse);
const authentication = Compile(AuthenticationResponse);

/** Reads the answer to `navigator.credentials.create`; undefined for what cannot be one. */
export function readRegistrationResponse(text: string | undefined): RegistrationResponse | undefined {
  return readResponse(text, registration);
}

/** Reads the answer to `navigator.credentials.get`; undefined for what cannot be one. */
export function readAuthenticationResponse(text: string | undefined): AuthenticationResponse | undefined {
  return readResponse(text, authentication);
}

function readResponse<T>(
  text: string | undefined,
  schema: { Check(value: unknown): value is T } & Pick<Validator, "Errors">,
): T | undefined {
  if (text === undefined || text.length > RESPONSE_LENGTH_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return schema.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
