import { type ApplicationKey, applicationPath } from "../protocol/client-metadata.ts";
import { CliError } from "./cli-error.ts";
import { textOf } from "./json.ts";

/** A client, and the place that its issuer names. */
export interface Profile {
  readonly name: string;
  /** where the credentials are from, in words */
  readonly source: string;
  readonly origin: string;
  readonly key: ApplicationKey;
  readonly clientId: string;
  readonly clientSecret: string;
}

const ISSUER =
  /^\/v1\/tenants\/([0-9a-f]{16})\/realms\/([0-9a-f]{16})\/applications\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The place that an issuer names: the origin, and the application of which tenant and realm. */
export function parseIssuer(issuer: string): Pick<Profile, "origin" | "key"> {
  const url = URL.parse(issuer);
  const [, tenantId, realmId, applicationId] = ISSUER.exec(url?.pathname.replace(/\/$/, "") ?? "") ?? [];
  if (url === null || tenantId === undefined || realmId === undefined || applicationId === undefined) {
    throw new CliError(`${JSON.stringify(issuer)} is not an issuer of Mayfly`, {
      advice: "Give the application's issuer: https://HOST/v1/tenants/…/realms/…/applications/…",
    });
  }
  if (url.protocol !== "https:" && !isLoopback(url)) {
    throw new CliError(`${url.origin} is not https: the client's secret would travel readable`, {
      advice: "Use the https address of the server, or the server on this machine.",
    });
  }
  return { origin: url.origin, key: { tenantId, realmId, applicationId } };
}

/** The issuer of a profile: its token and revocation endpoints hang below it. */
export function issuerOf({ origin, key }: Pick<Profile, "origin" | "key">): string {
  return `${origin}${applicationPath(key)}`;
}

/** Whether a URL's host is this machine. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK.has(url.hostname);
}

/** What credentials look like in a file or in the environment. */
export interface WrittenCredentials {
  readonly name: string;
  readonly source: string;
  /** `issuer`, `client_id`, `client_secret` */
  readonly written: unknown;
}

/** A profile of written credentials. */
export function readCredentials({ name, source, written }: WrittenCredentials): Profile {
  const issuer = textOf(written, "issuer");
  const clientId = textOf(written, "client_id");
  const clientSecret = textOf(written, "client_secret");
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) {
    throw new CliError(`${source} holds no credentials: issuer, client_id and client_secret are needed`, {
      advice: "Log in again: mayfly login",
    });
  }
  return { name, source, ...parseIssuer(issuer), clientId, clientSecret };
}
