/** The login whose codes are exchanged, the same on every side. */
import { createHash } from "node:crypto";

export const REDIRECT_URI = "https://client.example/callback";
export const NONCE = "bench-nonce";
/** `offline_access` asks for a refresh token, the last one is the resource's. */
export const LOGIN_SCOPE = "openid offline_access bench:read";
export const REFRESH_LIFETIME_SECONDS = 14 * 86_400;

/** PKCE, S256 (RFC 7636). */
export const CODE_VERIFIER = "bench-verifier-bench-verifier-bench-verifier-bench";
export const CODE_CHALLENGE = createHash("sha256").update(CODE_VERIFIER).digest("base64url");
