import assert from "node:assert/strict";
import { test } from "node:test";
import { readTracingSettings } from "./tracing-settings.ts";

function read(environment: Record<string, string>) {
  return readTracingSettings(environment, (message) => {
    throw new Error(message);
  });
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" };

test("there are no traces unless somebody asks, or when somebody says no", () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ OTEL_SERVICE_NAME: "mayfly", OTEL_TRACES_EXPORTER: "" }), undefined);
  assert.equal(read({ ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" }), undefined);
  assert.equal(read({ ...ENDPOINT, OTEL_SDK_DISABLED: "true" }), undefined);
});

test("an endpoint is that of all signals, or the one of traces as it stands", () => {
  assert.equal(read(ENDPOINT)?.url, "http://collector:4318/v1/traces");
  assert.equal(read({ OTEL_TRACES_EXPORTER: "otlp" })?.url, "http://localhost:4318/v1/traces");
  assert.equal(
    read({ OTEL_EXPORTER_OTLP_ENDPOINT: "https://c.example/otlp" })?.url,
    "https://c.example/otlp/v1/traces",
  );
  const own = { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://other/traces" };
  assert.equal(read(own)?.url, "http://other/traces");
});

test("headers, resource, name, time-out and sampler are read as the specification says", () => {
  const settings = read({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%2Cb, x=1",
    OTEL_EXPORTER_OTLP_TIMEOUT: "500",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=auth,deployment.environment.name=test",
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.25",
  });
  assert.deepEqual(settings, {
    url: "http://collector:4318/v1/traces",
    headers: { "api-key": "a,b", x: "1" },
    timeoutMs: 500,
    sampler: { ratio: 0.25, followsParent: true },
    serviceName: "auth",
    resource: { "deployment.environment.name": "test" },
  });
  assert.equal(
    read({ ...ENDPOINT, OTEL_SERVICE_NAME: "a", OTEL_RESOURCE_ATTRIBUTES: "service.name=b" })?.serviceName,
    "a",
  );
  const defaults = read(ENDPOINT);
  assert.deepEqual([defaults?.sampler, defaults?.serviceName], [{ ratio: 1, followsParent: true }, "mayfly"]);
  assert.deepEqual(read({ ...ENDPOINT, OTEL_TRACES_SAMPLER: "always_off" })?.sampler, {
    ratio: 0,
    followsParent: false,
  });
});

for (const [name, value] of [
  ["OTEL_TRACES_EXPORTER", "zipkin"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "a-secret-without-a-name"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "key=%zz-secret"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "soon"],
  ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
] as const) {
  test(`${name}=${value} is refused by name, without the value`, () => {
    assert.throws(
      () => read({ ...ENDPOINT, [name]: value }),
      (error) => error instanceof Error && error.message.startsWith(name) && !error.message.includes("secret"),
    );
  });
}

test("a part of traces that is no part is refused", () => {
  const sampler = { ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" };
  assert.throws(() => read(sampler), /^Error: OTEL_TRACES_SAMPLER_ARG/);
});
