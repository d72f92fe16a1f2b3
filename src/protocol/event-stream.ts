/** An event of a stream of server-sent events (HTML Living Standard §9.2). */
export interface ServerSentEvent {
  readonly event: string;
  /** what a client that connects again sends as `Last-Event-ID` */
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** An event as the wire has it. JSON has no line breaks, so that the data is one line. */
export function formatEvent({ event, id, data }: ServerSentEvent): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** How long a client waits before it connects again, as the wire has it. */
export function formatRetry(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`;
}

/** A place in a numbered feed: after the entry with this number. */
export interface FeedPosition {
  readonly feed: string;
  readonly number: number;
}

const POSITION = /^([0-9a-f]{16})-(0|[1-9][0-9]{0,14})$/;

/** A position as an event's id. */
export function formatPosition({ feed, number }: FeedPosition): string {
  return `${feed}-${number}`;
}

/** Reads what a client sends as `Last-Event-ID`; undefined for what is no position of ours. */
export function parsePosition(text: string): FeedPosition | undefined {
  const [, feed, number] = POSITION.exec(text) ?? [];
  return feed === undefined || number === undefined ? undefined : { feed, number: Number(number) };
}
