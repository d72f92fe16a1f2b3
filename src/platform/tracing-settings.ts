/** How and where traces are sent, as the standard `OTEL_` variables say it. */
export interface TracingSettings {
  /** of the collector's traces endpoint */
  readonly url: string;
  /** may hold credentials: never to be shown */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly sampler: SamplerSetting;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
}

export interface SamplerSetting {
  /** the part of the traces begun here that is recorded, 0 to 1 */
  readonly ratio: number;
  /** whether a caller that sends a traceparent decides for its trace */
  readonly followsParent: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = "http://localhost:4318";
const TIMEOUT_MS = 10_000;
const TIMEOUT_MS_MAX = 60_000;
const RATIOS: Readonly<Record<string, (argument: number) => number>> = {
  always_on: () => 1,
  always_off: () => 0,
  traceidratio: (argument) => argument,
};

/**
 * Reads the variables of the OpenTelemetry specification that concern traces.
 *
 * @param refuse called with a sentence about a variable that cannot be used; never with a value, which may be a credential
 * @returns undefined when nobody asked for traces
 */
export function readTracingSettings(
  environment: Variables,
  refuse: (message: string) => never,
): TracingSettings | undefined {
  const read = (name: string): string | undefined => (environment[name] === "" ? undefined : environment[name]);
  const exporter = read("OTEL_TRACES_EXPORTER");
  const base = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  const own = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (read("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || exporter === "none") return undefined;
  if (exporter === undefined && base === undefined && own === undefined) return undefined;
  if (exporter !== undefined && exporter !== "otlp") return refuse("OTEL_TRACES_EXPORTER must be otlp or none");
  const protocol = read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? read("OTEL_EXPORTER_OTLP_PROTOCOL");
  if (protocol !== undefined && protocol !== "http/json")
    return refuse("OTEL_EXPORTER_OTLP_PROTOCOL must be http/json: traces are sent in no other way");
  const headers = read("OTEL_EXPORTER_OTLP_TRACES_HEADERS") ?? read("OTEL_EXPORTER_OTLP_HEADERS");
  const { "service.name": named, ...resource } = readPairs("OTEL_RESOURCE_ATTRIBUTES", environment, refuse);
  return {
    url: own === undefined ? tracesUrl(base ?? DEFAULT_ENDPOINT, refuse) : httpUrl(own, refuse).href,
    headers: readPairs("OTEL_EXPORTER_OTLP_HEADERS", { OTEL_EXPORTER_OTLP_HEADERS: headers }, refuse),
    timeoutMs: readTimeout(read("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") ?? read("OTEL_EXPORTER_OTLP_TIMEOUT"), refuse),
    sampler: readSampler(read("OTEL_TRACES_SAMPLER"), read("OTEL_TRACES_SAMPLER_ARG"), refuse),
    serviceName: read("OTEL_SERVICE_NAME") ?? named ?? "mayfly",
    resource,
  };
}

function httpUrl(text: string, refuse: (message: string) => never): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  return refuse("OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL, such as http://localhost:4318");
}

function tracesUrl(base: string, refuse: (message: string) => never): string {
  const url = httpUrl(base, refuse);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  return url.href;
}

// W3C Baggage without properties: name=value,name=value, the values percent-encoded.
function readPairs(
  name: string,
  environment: Variables,
  refuse: (message: string) => never,
): Readonly<Record<string, string>> {
  const pairs = (environment[name] ?? "").split(",").filter((pair) => pair.trim() !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key = "", value = ""] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? refuse(malformed(name));
      return [key, decode(value) ?? refuse(malformed(name))];
    }),
  );
}

function malformed(name: string): string {
  return `${name} must be name=value pairs, separated by commas, the values percent-encoded`;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined; // reported by the caller, who knows the variable
  }
}

function readTimeout(text: string | undefined, refuse: (message: string) => never): number {
  if (text === undefined) return TIMEOUT_MS;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (ms < 1 || ms > TIMEOUT_MS_MAX)
    return refuse(`OTEL_EXPORTER_OTLP_TIMEOUT must be a whole number of milliseconds from 1 to ${TIMEOUT_MS_MAX}`);
  return ms;
}

function readSampler(
  text: string | undefined,
  argument: string | undefined,
  refuse: (message: string) => never,
): SamplerSetting {
  const name = text ?? "parentbased_always_on";
  const ratioOf = RATIOS[name.replace(/^parentbased_/, "")];
  if (ratioOf === undefined)
    return refuse(
      "OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, alone or after parentbased_, such as parentbased_traceidratio",
    );
  const ratio = ratioOf(argument === undefined ? 1 : Number(argument));
  if (!(ratio >= 0 && ratio <= 1)) return refuse("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1");
  return { ratio, followsParent: name.startsWith("parentbased_") };
}
