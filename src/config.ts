import { isHost, isMailSender, isNetwork } from "./platform/addresses.ts";
import { LOG_LEVELS, type LogLevel } from "./platform/log.ts";
import { splitHosts } from "./platform/postgres-url.ts";
import { readTracingSettings, type TracingSettings } from "./platform/tracing-settings.ts";

/** The checked configuration of a process; nothing else reads the environment (specification section 8, rule 27, settled 15). */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** The only source of URLs and issuers; no trailing slash. */
  readonly publicUrl: string;
  /** Origin of the management routes when it differs; no trailing slash. */
  readonly apiUrl: string | undefined;
  readonly dataDirectory: string;
  /** undefined: the embedded database in the data directory */
  readonly databaseUrl: string | undefined;
  readonly databasePoolSize: number;
  readonly databaseReplicaUrl: string | undefined;
  readonly migrate: "auto" | "check";
  readonly declarativeFile: string | undefined;
  readonly smtpUrl: string | undefined;
  readonly smtpFrom: string;
  readonly masterKeys: readonly string[] | undefined;
  readonly masterKeyFile: string | undefined;
  readonly workers: number;
  /** how long a node that stops goes on answering, so that load balancers learn of it */
  readonly drainSeconds: number;
  readonly logLevel: LogLevel;
  readonly trustedProxies: readonly string[];
  readonly operatorTokenFile: string | undefined;
  readonly opsHost: string;
  readonly opsPort: number;
  readonly egressAllow: readonly string[];
  readonly allow: readonly UnsafeDefault[];
  /** undefined: no traces; by the standard `OTEL_` variables */
  readonly tracing: TracingSettings | undefined;
}

export const UNSAFE_DEFAULTS = ["http", "created-master-key", "outbox"] as const;
export type UnsafeDefault = (typeof UNSAFE_DEFAULTS)[number];

/** A value of the environment that cannot be used; the message names the variable and the rule, never a secret. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ConfigError";
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULTS = { host: "127.0.0.1", port: 8021, dataDirectory: "./data", poolSize: 10, opsPort: 8022 } as const;

const VARIABLES = new Set([
  "MAYFLY_ALLOW",
  "MAYFLY_API_URL",
  "MAYFLY_CONFIG",
  "MAYFLY_DATABASE_POOL_SIZE",
  "MAYFLY_DATABASE_REPLICA_URL",
  "MAYFLY_DATABASE_URL",
  "MAYFLY_DATA_DIR",
  "MAYFLY_DRAIN_SECONDS",
  "MAYFLY_EGRESS_ALLOW",
  "MAYFLY_HOST",
  "MAYFLY_LOG_LEVEL",
  "MAYFLY_MASTER_KEY",
  "MAYFLY_MASTER_KEY_FILE",
  "MAYFLY_MIGRATE",
  "MAYFLY_OPERATOR_TOKEN_FILE",
  "MAYFLY_OPS_HOST",
  "MAYFLY_OPS_PORT",
  "MAYFLY_PORT",
  "MAYFLY_PUBLIC_URL",
  "MAYFLY_SMTP_FROM",
  "MAYFLY_SMTP_URL",
  "MAYFLY_TRUSTED_PROXIES",
  "MAYFLY_WORKERS",
]);

/** The test command's, which hands them to everything it starts, and the command line's, which may stand in the same shell. */
const OTHERS = /^MAYFLY_(TEST|CLI)_/;

/** The names of every variable, for the documentation's test. */
export function listVariables(): readonly string[] {
  return [...VARIABLES];
}

/**
 * Checks the environment once, whole, and freezes what it says.
 *
 * @throws ConfigError naming the variable and the rule
 */
export function readConfig(environment: Environment): Config {
  refuseUnknown(environment);
  const port = wholeNumber(environment, "MAYFLY_PORT", { fallback: DEFAULTS.port, minimum: 0, maximum: 65_535 });
  const publicUrl = httpOrigin(environment, "MAYFLY_PUBLIC_URL") ?? `http://localhost:${port}`;
  const config: Config = {
    host: host(environment, "MAYFLY_HOST") ?? DEFAULTS.host,
    port,
    publicUrl,
    apiUrl: httpOrigin(environment, "MAYFLY_API_URL"),
    dataDirectory: text(environment, "MAYFLY_DATA_DIR") ?? DEFAULTS.dataDirectory,
    databaseUrl: postgresUrl(environment, "MAYFLY_DATABASE_URL"),
    databasePoolSize: wholeNumber(environment, "MAYFLY_DATABASE_POOL_SIZE", {
      fallback: DEFAULTS.poolSize,
      minimum: 2,
      maximum: 200,
    }),
    databaseReplicaUrl: postgresUrl(environment, "MAYFLY_DATABASE_REPLICA_URL"),
    migrate: oneOf(environment, "MAYFLY_MIGRATE", ["auto", "check"] as const) ?? "auto",
    declarativeFile: text(environment, "MAYFLY_CONFIG"),
    smtpUrl: smtpUrl(environment),
    smtpFrom: smtpFrom(environment) ?? `mayfly@${new URL(publicUrl).hostname}`,
    masterKeys: masterKeys(environment),
    masterKeyFile: text(environment, "MAYFLY_MASTER_KEY_FILE"),
    workers: wholeNumber(environment, "MAYFLY_WORKERS", { fallback: 1, minimum: 1, maximum: 64 }),
    drainSeconds: wholeNumber(environment, "MAYFLY_DRAIN_SECONDS", { fallback: 0, minimum: 0, maximum: 300 }),
    logLevel: oneOf(environment, "MAYFLY_LOG_LEVEL", LOG_LEVELS) ?? "info",
    trustedProxies: listOf(environment, "MAYFLY_TRUSTED_PROXIES", NETWORKS),
    operatorTokenFile: text(environment, "MAYFLY_OPERATOR_TOKEN_FILE"),
    opsHost: host(environment, "MAYFLY_OPS_HOST") ?? DEFAULTS.host,
    opsPort: wholeNumber(environment, "MAYFLY_OPS_PORT", { fallback: DEFAULTS.opsPort, minimum: 0, maximum: 65_535 }),
    egressAllow: listOf(environment, "MAYFLY_EGRESS_ALLOW", HOSTS),
    allow: unsafeDefaults(environment),
    tracing: readTracingSettings(environment, refuse),
  };
  checkCombination(config);
  return Object.freeze(config);
}

/** Whether a URL's host is this machine: unsafe defaults are harmless there. */
export function isLoopbackUrl(url: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
}

function refuse(message: string): never {
  throw new ConfigError(message);
}

function refuseUnknown(environment: Environment): void {
  for (const name of Object.keys(environment)) {
    if (name.startsWith("MAYFLY_") && !OTHERS.test(name) && !VARIABLES.has(name)) {
      throw new ConfigError(`${name} is not a setting of Mayfly; docs/configuration.md lists them all`);
    }
  }
}

function checkCombination(config: Config): void {
  if (config.workers > 1 && config.databaseUrl === undefined) {
    throw new ConfigError(
      "MAYFLY_WORKERS above 1 needs MAYFLY_DATABASE_URL: the embedded database belongs to one process",
    );
  }
  if (config.databaseReplicaUrl !== undefined && config.databaseUrl === undefined) {
    throw new ConfigError(
      "MAYFLY_DATABASE_REPLICA_URL needs MAYFLY_DATABASE_URL: the embedded database has no replica",
    );
  }
  refuseUnfinished(config);
  if (config.masterKeys !== undefined && config.masterKeyFile !== undefined) {
    throw new ConfigError("MAYFLY_MASTER_KEY and MAYFLY_MASTER_KEY_FILE are both set; set one");
  }
  const hasMasterKey = config.masterKeys !== undefined || config.masterKeyFile !== undefined;
  if (config.databaseUrl !== undefined && !hasMasterKey) {
    throw new ConfigError(
      "MAYFLY_DATABASE_URL needs MAYFLY_MASTER_KEY or MAYFLY_MASTER_KEY_FILE: nodes must share the key",
    );
  }
  if (isLoopbackUrl(config.publicUrl)) return;
  if (config.publicUrl.startsWith("http:")) needsLeave(config, "http", "MAYFLY_PUBLIC_URL is not https");
  if (!hasMasterKey) needsLeave(config, "created-master-key", "no MAYFLY_MASTER_KEY is set");
  if (config.smtpUrl === undefined)
    needsLeave(config, "outbox", "no MAYFLY_SMTP_URL is set, so mails would stay in the outbox");
}

// Better refused than ignored: whoever sets one of these relies on it.
function refuseUnfinished(config: Config): void {
  const unfinished = {
    MAYFLY_API_URL: config.apiUrl !== undefined,
  };
  for (const [name, isSet] of Object.entries(unfinished)) {
    if (isSet) throw new ConfigError(`${name} is not supported by this version yet; leave it out`);
  }
}

function needsLeave(config: Config, name: UnsafeDefault, what: string): void {
  if (config.allow.includes(name)) return;
  throw new ConfigError(
    `${what}, which is not safe where MAYFLY_PUBLIC_URL is not loopback; to start all the same, add ${name} to MAYFLY_ALLOW`,
  );
}

function text(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === undefined || value === "" ? undefined : value;
}

const SHOWN_LENGTH_MAX = 100;

// For values that are no secrets. What cannot be printed is escaped.
function refuseValue(name: string, value: string, rule: string): never {
  const shown = value.length > SHOWN_LENGTH_MAX ? `${value.slice(0, SHOWN_LENGTH_MAX)}…` : value;
  throw new ConfigError(`${name} is ${JSON.stringify(shown)}, but must be ${rule}`);
}

function wholeNumber(
  environment: Environment,
  name: string,
  bounds: { fallback: number; minimum: number; maximum: number },
): number {
  const value = text(environment, name);
  if (value === undefined) return bounds.fallback;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= bounds.minimum && number <= bounds.maximum)) {
    refuseValue(name, value, `a whole number from ${bounds.minimum} to ${bounds.maximum}`);
  }
  return number;
}

function oneOf<const T extends string>(environment: Environment, name: string, values: readonly T[]): T | undefined {
  const value = text(environment, name);
  if (value === undefined) return undefined;
  const found = values.find((candidate) => candidate === value);
  return found ?? refuseValue(name, value, `one of ${values.join(", ")}`);
}

function host(environment: Environment, name: string): string | undefined {
  const value = text(environment, name);
  if (value === undefined || isHost(value)) return value;
  return refuseValue(name, value, "an IP address or a host's name, without scheme and port, such as 127.0.0.1");
}

function list(environment: Environment, name: string): readonly string[] {
  return (text(environment, name) ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

interface ListRule {
  readonly isElement: (text: string) => boolean;
  readonly rule: string;
}

const NETWORKS: ListRule = {
  isElement: isNetwork,
  rule: "IP addresses or networks in CIDR notation, separated by commas, such as 10.0.0.0/8,fd00::/8",
};
const HOSTS: ListRule = {
  isElement: isHost,
  rule: "host names or IP addresses without scheme and port, separated by commas, such as rp.internal",
};

function listOf(environment: Environment, name: string, { isElement, rule }: ListRule): readonly string[] {
  const elements = list(environment, name);
  const wrong = elements.find((element) => !isElement(element));
  if (wrong !== undefined) refuseValue(name, wrong, rule);
  return elements;
}

function httpOrigin(environment: Environment, name: string): string | undefined {
  const value = text(environment, name);
  if (value === undefined) return undefined;
  const url = URL.parse(value);
  const isOrigin = url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.pathname === "/";
  if (!isOrigin || url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "") {
    const rule = "an http or https origin without a path, such as https://login.example.com";
    // What stands before an "@" may be a password.
    if (value.includes("@")) throw new ConfigError(`${name} must be ${rule}, and no user`);
    refuseValue(name, value, rule);
  }
  return url.origin;
}

function postgresUrl(environment: Environment, name: string): string | undefined {
  const value = text(environment, name);
  if (value === undefined) return undefined;
  if (splitHosts(value) === undefined)
    throw new ConfigError(
      `${name} must be postgres://user:password@host:port/database, where several hosts are separated by commas; user and password stand once, before the first, with an @ in them written %40`,
    );
  return value;
}

function smtpUrl(environment: Environment): string | undefined {
  const value = text(environment, "MAYFLY_SMTP_URL");
  if (value === undefined) return undefined;
  if (!/^smtps?:\/\/[^/]+/.test(value))
    throw new ConfigError("MAYFLY_SMTP_URL must be smtp://user:password@host:port or smtps://user:password@host:port");
  return value;
}

function smtpFrom(environment: Environment): string | undefined {
  const value = text(environment, "MAYFLY_SMTP_FROM");
  if (value === undefined || isMailSender(value)) return value;
  return refuseValue(
    "MAYFLY_SMTP_FROM",
    value,
    "one mail address, such as login@example.com or Shop <login@example.com>",
  );
}

function masterKeys(environment: Environment): readonly string[] | undefined {
  const keys = list(environment, "MAYFLY_MASTER_KEY");
  if (keys.length === 0) return undefined;
  if (keys.some((key) => key.length < 43)) {
    throw new ConfigError(
      "each key in MAYFLY_MASTER_KEY must have at least 43 characters (256 bits in base64url); make one with: openssl rand -base64 32",
    );
  }
  return keys;
}

function unsafeDefaults(environment: Environment): readonly UnsafeDefault[] {
  return list(environment, "MAYFLY_ALLOW").map((name) => {
    const found = UNSAFE_DEFAULTS.find((candidate) => candidate === name);
    return found ?? refuseValue("MAYFLY_ALLOW", name, `of ${UNSAFE_DEFAULTS.join(", ")}, separated by commas`);
  });
}
