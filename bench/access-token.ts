import { sendForm } from "./http-request.ts";
import type { RunningSide, TokenFormat } from "./side.ts";

/** Issues one access token and throws unless it has the format that is to be measured. */
export async function issueToken(side: RunningSide, format: TokenFormat): Promise<string> {
  const { access_token: token } = await sendForm(side.issue(format), side.port);
  if (typeof token !== "string") throw new Error(`${side.name} answered without an access token`);
  const found = formatOf(token);
  if (found !== format) throw new Error(`${side.name} issued ${found} where ${format} was configured`);
  return token;
}

function formatOf(token: string): string {
  const parts = token.split(".");
  if (parts.length === 1) return "opaque";
  const header: unknown = JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString());
  return typeof header === "object" && header !== null && "alg" in header ? String(header.alg) : "unknown";
}
