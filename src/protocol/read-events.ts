/** An event as a stream of server-sent events has it (HTML Living Standard §9.2). */
export interface ReceivedEvent {
  readonly event: string;
  /** undefined where it has none */
  readonly id: string | undefined;
  readonly data: string;
}

/** What a stream brings: events, and how long to wait before it is opened again. */
export type Received = ReceivedEvent | { readonly retryMs: number };

/** More than this without an end of line is no stream of events. */
const LINE_LENGTH_MAX = 65_536;

interface Fields {
  event: string;
  id: string | undefined;
  data: string[];
}

/**
 * Reads server-sent events.
 *
 * @param bytes chunks that may be cut anywhere
 * @throws RangeError where a line has no end
 */
export async function* readEvents(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Received> {
  const decoder = new TextDecoder();
  let fields = noFields();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n/);
    rest = lines.pop() ?? "";
    if (rest.length > LINE_LENGTH_MAX) throw new RangeError("a line of the stream has no end");
    for (const line of lines) {
      const retryMs = readRetry(line);
      if (retryMs !== undefined) yield { retryMs };
      if (line !== "") readField(fields, line);
      else {
        if (fields.data.length > 0) yield { event: fields.event, id: fields.id, data: fields.data.join("\n") };
        fields = noFields();
      }
    }
  }
}

function noFields(): Fields {
  return { event: "message", id: undefined, data: [] };
}

function readRetry(line: string): number | undefined {
  const [, digits] = /^retry: ?([0-9]{1,9})$/.exec(line) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function readField(fields: Fields, line: string): void {
  const colon = line.indexOf(":");
  const name = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") fields.event = value;
  else if (name === "id") fields.id = value;
  else if (name === "data") fields.data.push(value);
}
