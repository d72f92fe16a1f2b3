/** The longest JWT that is looked at, and so that is issued, in characters (rule 30). */
export const JWT_LENGTH_MAX = 16_384;
const COMPACT = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;

/** The parts of a JWS in compact form (RFC 7515 §3.1), as they were sent. */
export interface CompactJwt {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

/** Takes a JWT apart; undefined for what is none, or is too long. Nothing of it is verified. */
export function splitJwt(token: string): CompactJwt | undefined {
  if (token.length > JWT_LENGTH_MAX) return undefined;
  const [, header, payload, signature] = COMPACT.exec(token) ?? [];
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  return { header, payload, signature };
}

/** The members that a part of a JWT holds; undefined where it holds no object. */
export function readJwtPart(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
