import { sendForObject } from "./http-request.ts";
import type { RunningSide, TokenFormat } from "./side.ts";

/** Issues one access token and throws unless it has the format that is to be measured. */
export async function issueToken(side: RunningSide, format: TokenFormat): Promise<string> {
  const { access_token: token } = await sendForObject(side.issue(format), side.port);
  return expectFormat(`${side.name}'s access token`, token, format);
}

/** Returns a token that has that format; throws, naming it, when it has another or is none. */
export function expectFormat(name: string, token: unknown, format: TokenFormat): string {
  if (typeof token !== "string") throw new Error(`${name} is missing`);
  const found = formatOf(token);
  if (found !== format) throw new Error(`${name} is ${found} where ${format} was configured`);
  return token;
}

function formatOf(token: string): string {
  const parts = token.split(".");
  if (parts.length === 1) return "opaque";
  const header: unknown = JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString());
  return typeof header === "object" && header !== null && "alg" in header ? String(header.alg) : "unknown";
}
