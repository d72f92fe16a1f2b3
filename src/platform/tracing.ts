import type { Attributes } from "@opentelemetry/api";

/** Something that takes time, as a trace shows it. Attributes never hold a token, a secret, a query or anything about a person. */
export interface Span {
  set(attributes: Attributes): void;
  /** Ends it; with a word for what failed, if it did. */
  end(failure?: string): void;
}

/** A request that reaches this server. */
export interface ServerRequest {
  readonly name: string;
  /** 32 hexadecimal digits; the trace has this id unless the client sent one of its own */
  readonly traceId: string;
  /** the header of W3C Trace Context, as it came */
  readonly traceparent: string | undefined;
  readonly attributes: Attributes;
}

/** Traces of one process. There is none unless somebody asked for it by `OTEL_` variables. */
export interface Tracing {
  startRequest(request: ServerRequest): Span;
  /** A part of what runs here. */
  start(name: string, attributes?: Attributes): Span;
  /** Runs work on behalf of these spans: what it starts is a part of each. */
  within<T>(spans: readonly Span[], work: () => T): T;
  /** Hands over what is recorded, or gives up after a moment. */
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly attributes?: Attributes;
}

/** Runs work as a span of its own if there is tracing, and just runs it otherwise. */
export function traced<T>(tracing: Tracing | undefined, part: Part, work: () => Promise<T>): Promise<T> {
  return tracing === undefined ? work() : runTraced(tracing, part, work);
}

async function runTraced<T>(tracing: Tracing, part: Part, work: () => Promise<T>): Promise<T> {
  const span = tracing.start(part.name, part.attributes);
  try {
    const result = await tracing.within([span], work);
    span.end();
    return result;
  } catch (error) {
    span.end(error instanceof Error ? error.name : "unknown");
    throw error;
  }
}
