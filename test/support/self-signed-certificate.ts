import { generateKeyPairSync, sign } from "node:crypto";

/** What an https server of a test needs. No client has reason to trust it. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const INTEGER = 2;
const BIT_STRING = 3;
const OCTET_STRING = 4;
const OBJECT_ID = 6;
const UTF8 = 12;
const UTC_TIME = 23;
const SEQUENCE = 48;
const SET = 49;
const DNS_NAME = 130;
const VERSION = 160;
const EXTENSIONS = 163;
const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT_ID, Buffer.from("2a8648ce3d040302", "hex")));
const ALTERNATIVE_NAME = der(OBJECT_ID, Buffer.from("551d11", "hex"));
const COMMON_NAME = der(OBJECT_ID, Buffer.from("550403", "hex"));

/** Makes a certificate for a host (X.509 version 3, RFC 5280 §4.1), signed by its own key. */
export function selfSignedCertificate(host: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8, Buffer.from(host)))));
  const validity = der(SEQUENCE, utcTime("200101000000Z"), utcTime("491231235959Z"));
  const key = publicKey.export({ type: "spki", format: "der" });
  const version = der(VERSION, der(INTEGER, Buffer.from([2])));
  const serial = der(INTEGER, Buffer.from([1]));
  const names = der(OCTET_STRING, der(SEQUENCE, der(DNS_NAME, Buffer.from(host))));
  const extensions = der(EXTENSIONS, der(SEQUENCE, der(SEQUENCE, ALTERNATIVE_NAME, names)));
  const signed = der(SEQUENCE, version, serial, ECDSA_WITH_SHA256, name, validity, name, key, extensions);
  const signature = der(BIT_STRING, Buffer.from([0]), sign("sha256", signed, privateKey));
  const body = der(SEQUENCE, signed, ECDSA_WITH_SHA256, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`,
  };
}

function utcTime(time: string): Buffer {
  return der(UTC_TIME, Buffer.from(time));
}

/** One value as DER writes it: tag, length, content (X.690 §8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const bytes = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}
