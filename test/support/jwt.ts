/** The payload of a JWT, unverified: for tests that look at what was signed. */
export function decodeJwt(token: string): Record<string, unknown> {
  return decodePart(token, 1);
}

/** The header of a JWT. */
export function decodeJwtHeader(token: string): Record<string, unknown> {
  return decodePart(token, 0);
}

function decodePart(token: string, index: number): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(token.split(".")[index] ?? "", "base64url").toString("utf8"));
  if (typeof value !== "object" || value === null) throw new Error("not a JWT");
  return { ...value };
}
