import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

/** A span as OTLP's JSON says it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** 1 internal, 2 server */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 2 is an error */
  readonly statusCode: number | undefined;
}

export interface OtlpReceiver {
  /** for `OTEL_EXPORTER_OTLP_ENDPOINT` */
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** every body and every header, as they came */
  readonly texts: string[];
}

type Json = Record<string, unknown>;

/** A collector of traces on loopback, which answers with this status, or never. */
export async function otlpReceiver(behaviour: number | "never" = 200): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const texts: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      texts.push(text, `${request.url} ${JSON.stringify(request.headers)}`);
      spans.push(...readSpans(text));
      if (behaviour !== "never") response.writeHead(behaviour, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, texts };
}

function readSpans(text: string): ReceivedSpan[] {
  const list = (value: unknown, name: string) => ((value as Json)[name] ?? []) as Json[];
  const scopes = list(JSON.parse(text), "resourceSpans").flatMap((resource) => list(resource, "scopeSpans"));
  return scopes.flatMap((scope) => list(scope, "spans")).map(readSpan);
}

function readSpan(span: Json): ReceivedSpan {
  const pairs = ((span.attributes ?? []) as { key: string; value: Json }[]).map(({ key, value }) => {
    const [first] = Object.values(value);
    return [key, typeof value.intValue === "string" ? Number(value.intValue) : first];
  });
  return {
    traceId: String(span.traceId),
    spanId: String(span.spanId),
    parentSpanId: span.parentSpanId === undefined ? undefined : String(span.parentSpanId),
    name: String(span.name),
    kind: Number(span.kind),
    attributes: Object.fromEntries(pairs),
    statusCode: (span.status as { code?: number } | undefined)?.code,
  };
}
