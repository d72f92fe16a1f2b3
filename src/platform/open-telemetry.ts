import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { METRICS } from "./metric-table.ts";
import type { Metrics } from "./metrics.ts";
import type { Span, Tracing } from "./tracing.ts";
import type { SamplerSetting, TracingSettings } from "./tracing-settings.ts";

// Imported only when traces are wanted: the packages take 0.2 s to load.

/** The end of a process does not wait longer for a collector. */
const STOP_MS_MAX = 2_000;
const ATTRIBUTE_LENGTH_MAX = 256;
/** W3C Trace Context section 3.2; versions to come may add fields. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** The traces of a process, sent to the collector that the settings name. Whatever it does, no request waits for it. */
export function createTracing(settings: TracingSettings, version: string, metrics: Metrics): Tracing {
  const ids = createIds();
  const provider = createProvider(settings, { version, metrics, ids });
  const tracer = provider.getTracer("mayfly", version);
  const running = new AsyncLocalStorage<readonly Context[]>();
  const contexts = new WeakMap<Span, readonly Context[]>();

  function join(parts: readonly { readonly span: SdkSpan; readonly parent: Context }[]): Span {
    const spans = parts.map(({ span }) => span);
    const joined: Span = {
      set: (attributes) => {
        for (const span of spans) span.setAttributes(attributes);
      },
      end: (failure) => {
        for (const span of spans) endSpan(span, failure);
      },
    };
    const own = parts.map(({ span, parent }) => trace.setSpan(parent, span));
    contexts.set(joined, own);
    return joined;
  }

  return {
    startRequest: ({ name, traceId, traceparent, attributes }) => {
      const parent = readParent(traceparent);
      const span = ids.within(traceId, () => tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent));
      return join([{ span, parent }]);
    },
    // A batch is a part of each of its requests, and so is the statement that it sends.
    start: (name, attributes: Attributes = {}) => {
      const parents = running.getStore() ?? [];
      return join(parents.map((parent) => ({ span: tracer.startSpan(name, { attributes }, parent), parent })));
    },
    within: (spans, work) =>
      running.run(
        spans.flatMap((span) => contexts.get(span) ?? []),
        work,
      ),
    stop: () => stopBriefly(provider),
  };
}

interface Surroundings {
  readonly version: string;
  readonly metrics: Metrics;
  readonly ids: IdGenerator;
}

function createProvider(settings: TracingSettings, { version, metrics, ids }: Surroundings): TracerProvider {
  const resource = { "service.version": version, ...settings.resource, "service.name": settings.serviceName };
  return new TracerProvider({
    resource: resourceFromAttributes(resource),
    sampler: createSampler(settings.sampler),
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_LENGTH_MAX },
    spanProcessors: [new BatchSpanProcessor({ exporter: createExporter(settings, metrics) })],
    idGenerator: ids,
  });
}

function createSampler({ ratio, followsParent }: SamplerSetting): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return followsParent ? new ParentBasedSampler({ root }) : root;
}

function createExporter({ url, headers, timeoutMs }: TracingSettings, metrics: Metrics): SpanExporter {
  const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
  const spans = metrics.counter(METRICS.spansExported);
  return {
    export: (batch, done) =>
      exporter.export(batch, (result) => {
        spans.cell(result.error === undefined ? "exported" : "failed").add(batch.length);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

// A trace that begins here has the id that the response shows as x-trace-id: whoever has one finds the other.
function createIds(): IdGenerator & { within<T>(traceId: string, work: () => T): T } {
  const random = new RandomIdGenerator();
  let next: string | undefined;
  return {
    generateTraceId: () => next ?? random.generateTraceId(),
    generateSpanId: () => random.generateSpanId(),
    within: (traceId, work) => {
      next = traceId;
      try {
        return work();
      } finally {
        next = undefined;
      }
    },
  };
}

function readParent(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}

function endSpan(span: SdkSpan, failure: string | undefined): void {
  if (failure !== undefined) {
    span.setAttribute("error.type", failure);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

async function stopBriefly(provider: TracerProvider): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STOP_MS_MAX);
  });
  // What could not be handed over is lost, and has been counted.
  await Promise.race([provider.shutdown().catch(() => undefined), late]);
  clearTimeout(timer);
}
