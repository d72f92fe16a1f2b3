import { connect } from "node:net";

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Sends a request line by line, for what no HTTP client sends. The server is told to close the connection afterwards. */
export function sendRaw(
  url: string,
  request: {
    readonly method: string;
    readonly target: string;
    readonly headers?: readonly string[];
    readonly body?: Uint8Array;
  },
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const body = request.body ?? new Uint8Array();
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    `host: ${host}`,
    "connection: close",
    `content-length: ${body.length}`,
    ...(request.headers ?? []),
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(parse(Buffer.concat(chunks).toString("utf8"))));
    socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    socket.write(body);
  });
}

function parse(text: string): RawAnswer {
  const [head = "", ...rest] = text.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), headers: head.toLowerCase(), body: rest.join("\r\n\r\n") };
}
