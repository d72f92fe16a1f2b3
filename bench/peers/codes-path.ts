/** Where the peer's process makes codes, `POST {path}?count=n`; a route of the benchmark, not of oidc-provider. */
export const CODES_PATH = "/bench/codes";
