import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isoCBOR } from "@simplewebauthn/server/helpers";
import { coseOfJwk } from "../../src/protocol/webauthn/cose-key.ts";
import type { Answer } from "./http.ts";

type CBORType = Parameters<typeof isoCBOR.encode>[0];

/** What a made-up authenticator is like. */
export interface SoftwarePasskeyOptions {
  /** where its browser is */
  readonly origin: string;
  readonly rpId?: string;
  /** whether it knows its person; by default it does */
  readonly isUserVerified?: boolean;
  /** whether its keys are copied between devices; by default they are not */
  readonly isBackedUp?: boolean;
}

/** What a ceremony is asked for. */
export interface CeremonyOptions {
  readonly challenge: string;
  readonly rpId?: string;
}

/** One passkey with its browser, for tests over HTTP: real keys, real signatures, real formats. */
export interface SoftwarePasskey {
  /** base64url */
  readonly id: string;
  /** what `navigator.credentials.create` answers, as JSON */
  create(options: CeremonyOptions & { readonly user: { readonly id: string } }, change?: Change): string;
  /** what `navigator.credentials.get` answers, as JSON; its count goes up by one each time */
  get(options: CeremonyOptions, change?: Change): string;
}

/** What a ceremony of an attacker, or of a broken authenticator, has otherwise. */
export interface Change {
  readonly clientData?: Readonly<Record<string, unknown>>;
  readonly rpId?: string;
  readonly signCount?: number;
  readonly isUserPresent?: boolean;
  /** whether the key is one that is copied between devices */
  readonly isBackedUp?: boolean;
  readonly userHandle?: string | undefined;
  /** of a new one */
  readonly id?: Uint8Array;
  /** of a new one: who vouches for it, by fmt */
  readonly attest?: (about: AttestedParts) => readonly [fmt: string, statement: Map<string, CBORType>];
}

/** What an attestation is about (WebAuthn Level 3 §6.5). */
export interface AttestedParts {
  readonly authData: Uint8Array;
  readonly clientData: Uint8Array;
  readonly id: Uint8Array;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const BACKUP = 0x18; // eligible and backed up
const ATTESTED = 0x40;

/** Makes a passkey that has not been registered yet. */
export function softwarePasskey(options: SoftwarePasskeyOptions): SoftwarePasskey {
  const { origin, rpId = "localhost", isUserVerified = true, isBackedUp = false } = options;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = sha256(publicKey.export({ type: "spki", format: "der" }));
  let signCount = 0;
  let userHandle: string | undefined;
  const flags = (isUserVerified ? USER_VERIFIED : 0) | (isBackedUp ? BACKUP : 0);
  const authenticatorData = (change: Change, attested: Uint8Array = new Uint8Array()): Buffer => {
    const head = Buffer.alloc(5);
    const backup = change.isBackedUp === true ? BACKUP : 0;
    head[0] =
      flags | backup | (change.isUserPresent === false ? 0 : USER_PRESENT) | (attested.length > 0 ? ATTESTED : 0);
    head.writeUInt32BE(change.signCount ?? signCount, 1);
    return Buffer.concat([sha256(change.rpId ?? rpId), head, attested]);
  };
  const clientData = (type: string, { challenge }: CeremonyOptions, change: Change): Buffer =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...change.clientData }));
  const answer = (response: Readonly<Record<string, unknown>>): string => {
    const text = id.toString("base64url");
    return JSON.stringify({ id: text, rawId: text, type: "public-key", clientExtensionResults: {}, response });
  };
  return {
    id: id.toString("base64url"),
    create: (wish, change = {}) => {
      userHandle = wish.user.id;
      const named = change.id ?? id;
      const authData = Uint8Array.from(authenticatorData(change, attestedData(named, publicKey)));
      const client = clientData("webauthn.create", wish, change);
      const about = { authData, clientData: client, id: named, publicKey, privateKey };
      const [fmt, attStmt] = change.attest?.(about) ?? ["none", new Map()];
      const attestation = isoCBOR.encode(new Map<string, CBORType>(Object.entries({ fmt, attStmt, authData })));
      return answer({
        clientDataJSON: client.toString("base64url"),
        attestationObject: Buffer.from(attestation).toString("base64url"),
        transports: ["internal"],
      });
    },
    get: (wish, change = {}) => {
      signCount += isBackedUp ? 0 : 1;
      const authData = authenticatorData(change);
      const client = clientData("webauthn.get", wish, change);
      return answer({
        clientDataJSON: client.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: sign("sha256", Buffer.concat([authData, sha256(client)]), privateKey).toString("base64url"),
        userHandle: "userHandle" in change ? change.userHandle : userHandle,
      });
    },
  };
}

function attestedData(id: Uint8Array, publicKey: KeyObject): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(id.length);
  const key = isoCBOR.encode(coseOfJwk({ ...publicKey.export({ format: "jwk" }), alg: "ES256" }));
  return Buffer.concat([Buffer.alloc(16), length, id, key]);
}

function sha256(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

/** What a page tells the browser of the passkey that it wants to have used or made; null where it wants none. */
export function passkeyOptionsOn({ text }: Pick<Answer, "text">, kind: "request" | "creation") {
  const [, written = "null"] = new RegExp(`data-passkey-${kind}="([^"]*)"`).exec(text) ?? [];
  return JSON.parse(written.replaceAll("&quot;", '"'));
}
