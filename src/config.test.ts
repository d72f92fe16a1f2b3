import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError, type Environment, isLoopbackUrl, listVariables, readConfig } from "./config.ts";

const KEY = "k".repeat(43);
const PUBLIC_URL = "https://login.example.com";
const SAFE: Environment = {
  MAYFLY_PUBLIC_URL: PUBLIC_URL,
  MAYFLY_MASTER_KEY: KEY,
  MAYFLY_SMTP_URL: "smtps://mail.example.com",
};

/** The message of the refusal, which names the variable and no secret. */
function refusalOf(environment: Environment): string {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  throw new Error(`this was accepted: ${JSON.stringify(environment)}`);
}

describe("an empty environment", () => {
  test("gives the defaults: loopback only, an embedded database in ./data", () => {
    assert.deepEqual(readConfig({}), {
      host: "127.0.0.1",
      port: 8021,
      publicUrl: "http://localhost:8021",
      apiUrl: undefined,
      dataDirectory: "./data",
      databaseUrl: undefined,
      databasePoolSize: 10,
      databaseReplicaUrl: undefined,
      migrate: "auto",
      declarativeFile: undefined,
      smtpUrl: undefined,
      smtpFrom: "mayfly@localhost",
      masterKeys: undefined,
      masterKeyFile: undefined,
      workers: 1,
      drainSeconds: 0,
      logLevel: "info",
      trustedProxies: [],
      operatorTokenFile: undefined,
      opsHost: "127.0.0.1",
      opsPort: 8022,
      egressAllow: [],
      allow: [],
      tracing: undefined,
    });
  });

  test("is what a variable that is empty says, too", () => {
    const empty = Object.fromEntries(listVariables().map((name) => [name, ""]));
    assert.deepEqual(readConfig(empty), readConfig({}));
  });

  test("makes a configuration that nothing changes later", () => {
    assert.ok(Object.isFrozen(readConfig({})));
  });
});

describe("what is set", () => {
  test("is what the configuration says", () => {
    const config = readConfig({
      ...SAFE,
      MAYFLY_PORT: "80",
      MAYFLY_DATABASE_URL: "postgresql://mayfly:secret@db:5432/mayfly",
      MAYFLY_DATABASE_POOL_SIZE: "200",
      MAYFLY_MASTER_KEY: `${KEY}, ${"n".repeat(43)}`,
      MAYFLY_TRUSTED_PROXIES: "10.0.0.0/8, ,192.168.0.1",
      MAYFLY_MIGRATE: "check",
      MAYFLY_LOG_LEVEL: "warn",
      MAYFLY_OPS_PORT: "0",
      MAYFLY_HOST: "::",
      MAYFLY_OPS_HOST: "mayfly_ops.internal",
      MAYFLY_EGRESS_ALLOW: "rp.internal, 10.0.0.7",
    });
    assert.deepEqual([config.host, config.opsHost], ["::", "mayfly_ops.internal"]);
    assert.deepEqual(config.egressAllow, ["rp.internal", "10.0.0.7"]);
    assert.equal(config.port, 80);
    assert.equal(config.publicUrl, PUBLIC_URL);
    assert.equal(config.databaseUrl, "postgresql://mayfly:secret@db:5432/mayfly");
    assert.equal(config.databasePoolSize, 200);
    assert.deepEqual(config.masterKeys, [KEY, "n".repeat(43)]);
    assert.deepEqual(config.trustedProxies, ["10.0.0.0/8", "192.168.0.1"]);
    assert.equal(config.migrate, "check");
    assert.equal(config.logLevel, "warn");
    assert.equal(config.opsPort, 0);
    assert.equal(config.smtpFrom, "mayfly@login.example.com");
    for (const from of ["login@example.com", "The Shop <login@example.com>"])
      assert.equal(readConfig({ ...SAFE, MAYFLY_SMTP_FROM: from }).smtpFrom, from);
  });

  test("a public URL is an origin: a slash at its end is none of it, and its port is", () => {
    assert.equal(readConfig({ MAYFLY_PUBLIC_URL: "http://localhost:9000/" }).publicUrl, "http://localhost:9000");
    assert.equal(readConfig({ MAYFLY_PORT: "9000" }).publicUrl, "http://localhost:9000");
  });
});

describe("a value that cannot be used is refused by its variable's name", () => {
  const WRONG: readonly (readonly [string, readonly string[]])[] = [
    ["MAYFLY_PORT", ["x", "-1", "65536", "80.5", "0x50", " 80", "1e3", "9".repeat(10)]],
    ["MAYFLY_OPS_PORT", ["x", "65536"]],
    ["MAYFLY_WORKERS", ["0", "65", "two"]],
    ["MAYFLY_DRAIN_SECONDS", ["-1", "301", "1.5"]],
    ["MAYFLY_DATABASE_POOL_SIZE", ["1", "201"]],
    [
      "MAYFLY_PUBLIC_URL",
      ["login.example.com", "ftp://x", "https://x/path", "https://x?a", "https://x#a", "https://u@x"],
    ],
    ["MAYFLY_API_URL", ["https://x/api"]],
    ["MAYFLY_DATABASE_URL", ["mysql://db/x", "postgres://u:p@a,u:p@b/x", "db:5432", "postgres://a,b/x y"]],
    ["MAYFLY_DATABASE_REPLICA_URL", ["sqlite:x", "postgres://u:p@a,u:p@b/x"]],
    [
      "MAYFLY_HOST",
      ["http://localhost", "localhost:8021", "[::1]", "10.0.0.256", "a b", "-x", "x..y", "x".repeat(254)],
    ],
    ["MAYFLY_OPS_HOST", ["0.0.0.0:8022", "*"]],
    [
      "MAYFLY_TRUSTED_PROXIES",
      [
        "proxy.internal",
        "10.0.0.0/33",
        "10.0.0.0/0",
        "::/129",
        "10.0.0.0/8;10.1.0.1",
        "10.0.0",
        "10.0.0.1/",
        "10.0.0.1,x",
      ],
    ],
    ["MAYFLY_SMTP_FROM", ["login", "a@b, c@d", "a@b\r\nbcc: c@d", "Shop <login>", "Shop <a@b> x", "a b@c", "@b"]],
    ["MAYFLY_EGRESS_ALLOW", ["https://rp.internal", "rp.internal:443", "rp.internal/x", "a b", "*.internal"]],
    ["MAYFLY_MIGRATE", ["never", "AUTO"]],
    ["MAYFLY_LOG_LEVEL", ["loud"]],
    ["MAYFLY_SMTP_URL", ["mail.example.com", "http://mail.example.com", "smtp://"]],
    ["MAYFLY_MASTER_KEY", ["k".repeat(42), `${KEY},short`]],
    ["MAYFLY_ALLOW", ["everything", "http,everything"]],
  ];
  for (const [name, values] of WRONG) {
    test(name, () => {
      for (const value of values) assert.ok(refusalOf({ [name]: value }).includes(name), `${name}=${value}`);
    });
  }

  test("and its value, without what a terminal would act on, cut where it is long", () => {
    assert.match(
      refusalOf({ MAYFLY_PORT: "80\u001b[2J" }),
      /^MAYFLY_PORT is "80\\u001b\[2J", but must be a whole number/,
    );
    assert.match(
      refusalOf({ MAYFLY_TRUSTED_PROXIES: "10.0.0.1,proxy" }),
      /^MAYFLY_TRUSTED_PROXIES is "proxy", but must be/,
    );
    assert.ok(refusalOf({ MAYFLY_HOST: "x".repeat(9_999) }).length < 300);
  });

  test("and no message repeats a secret", () => {
    const secret = "hunter2hunter2";
    for (const environment of [
      { MAYFLY_MASTER_KEY: secret },
      { MAYFLY_DATABASE_URL: `mysql://u:${secret}@db/x` },
      { MAYFLY_DATABASE_URL: `postgres://u:${secret}@db/x` },
      { MAYFLY_DATABASE_URL: `postgres://u:${secret}@a,u:${secret}@b/x` },
      { MAYFLY_SMTP_URL: `http://u:${secret}@mail` },
      { MAYFLY_PUBLIC_URL: `https://u:${secret}@x` },
    ]) {
      assert.ok(!refusalOf(environment).includes(secret), JSON.stringify(environment));
    }
  });

  test("every variable that there is may be set, and every other of ours is refused", () => {
    for (const name of ["MAYFLY_PROT", "MAYFLY_", "MAYFLY_port", "MAYFLY_TESTS"]) {
      assert.ok(refusalOf({ [name]: "1" }).startsWith(`${name} is not a setting`));
      assert.ok(refusalOf({ [name]: undefined }).startsWith(`${name} is not a setting`));
    }
    const foreign = { PATH: "/bin", mayfly_port: "x", XMAYFLY_PORT: "x" };
    assert.deepEqual(readConfig(foreign), readConfig({}));
  });

  test("what the test command hands on is nobody's setting", () => {
    assert.deepEqual(readConfig({ MAYFLY_TEST_DATABASE: "x", MAYFLY_TEST_ANYTHING: "y" }), readConfig({}));
  });
});

describe("what is not safe where others reach the server (rule 25)", () => {
  const DANGERS: readonly (readonly [string, Environment, RegExp])[] = [
    ["http", { ...SAFE, MAYFLY_PUBLIC_URL: "http://login.example.com" }, /MAYFLY_PUBLIC_URL is not https/],
    ["created-master-key", { ...SAFE, MAYFLY_MASTER_KEY: undefined }, /no MAYFLY_MASTER_KEY is set/],
    ["outbox", { ...SAFE, MAYFLY_SMTP_URL: undefined }, /no MAYFLY_SMTP_URL is set/],
  ];
  test("is nothing once all is set", () => {
    assert.equal(readConfig(SAFE).publicUrl, PUBLIC_URL);
    const file = { ...SAFE, MAYFLY_MASTER_KEY: undefined, MAYFLY_MASTER_KEY_FILE: "/run/secrets/key" };
    assert.equal(readConfig(file).masterKeyFile, "/run/secrets/key");
  });

  for (const [name, environment, message] of DANGERS) {
    test(`${name} is refused, and allowed by its name only`, () => {
      const refusal = refusalOf(environment);
      assert.match(refusal, message);
      assert.ok(refusal.includes(`add ${name} to MAYFLY_ALLOW`), refusal);
      const others = ["http", "created-master-key", "outbox"].filter((other) => other !== name).join();
      assert.match(refusalOf({ ...environment, MAYFLY_ALLOW: others }), message);
      assert.deepEqual(readConfig({ ...environment, MAYFLY_ALLOW: name }).allow, [name]);
    });
  }

  test("is allowed where the public URL is this machine", () => {
    for (const url of ["http://localhost:8021", "http://127.0.0.1", "http://[::1]:80", "http://LOCALHOST"]) {
      assert.ok(isLoopbackUrl(url), url);
      readConfig({ MAYFLY_PUBLIC_URL: url });
    }
    for (const url of ["http://localhost.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1"]) {
      assert.ok(!isLoopbackUrl(url), url);
      assert.match(refusalOf({ MAYFLY_PUBLIC_URL: url }), /MAYFLY_PUBLIC_URL/);
    }
  });
});

describe("settings that contradict or miss each other are refused", () => {
  const database = "postgres://mayfly@db/mayfly";
  const CASES: readonly (readonly [string, Environment, RegExp])[] = [
    [
      "two master keys",
      { MAYFLY_MASTER_KEY: KEY, MAYFLY_MASTER_KEY_FILE: "/k" },
      /MAYFLY_MASTER_KEY_FILE are both set/,
    ],
    ["a server without a key", { MAYFLY_DATABASE_URL: database }, /MAYFLY_DATABASE_URL needs MAYFLY_MASTER_KEY/],
    [
      "a replica of the embedded database",
      { MAYFLY_DATABASE_REPLICA_URL: database },
      /MAYFLY_DATABASE_REPLICA_URL needs MAYFLY_DATABASE_URL/,
    ],
    ["workers on the embedded database", { MAYFLY_WORKERS: "2" }, /MAYFLY_WORKERS above 1 needs MAYFLY_DATABASE_URL/],
  ];
  for (const [name, environment, message] of CASES) {
    test(name, () => assert.match(refusalOf(environment), message));
  }

  test("and what is not finished is refused rather than ignored", () => {
    assert.match(refusalOf({ MAYFLY_API_URL: "https://api.example.com" }), /^MAYFLY_API_URL is not supported/);
  });
});

test("traces are what OpenTelemetry's own variables say, refused like ours", () => {
  const { tracing } = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" });
  assert.equal(tracing?.url, "http://collector:4318/v1/traces");
  assert.match(refusalOf({ OTEL_TRACES_EXPORTER: "zipkin" }), /^OTEL_TRACES_EXPORTER/);
});
