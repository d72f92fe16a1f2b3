const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKS_END = Buffer.from("0\r\n\r\n");
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const STATUS_OFFSET = "HTTP/1.1 ".length;

/** Where a response ends in the bytes received, and its status. */
export type ResponseEnd = { status: number; end: number };

/**
 * Finds the end of the HTTP/1.1 response that starts at byte 0; undefined while bytes are missing.
 *
 * Only what the servers measured here send: a content length, or chunks without trailers. One request is in flight a
 * connection, so chunks end where the bytes received end.
 */
export function findResponseEnd(bytes: Buffer): ResponseEnd | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const status = Number(head.slice(STATUS_OFFSET, STATUS_OFFSET + 3));
  const bodyStart = headEnd + HEAD_END.length;
  const length = CONTENT_LENGTH.exec(head);
  if (length !== null) {
    const end = bodyStart + Number(length[1]);
    return end <= bytes.length ? { status, end } : undefined;
  }
  if (CHUNKED.test(head)) {
    const complete = bytes.subarray(bodyStart).subarray(-CHUNKS_END.length).equals(CHUNKS_END);
    return complete ? { status, end: bytes.length } : undefined;
  }
  return { status, end: bodyStart };
}
