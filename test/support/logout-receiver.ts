import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a client's back-channel address was sent. */
export interface ReceivedLogout {
  readonly path: string;
  readonly contentType: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** A client that hears of logouts, on this machine. */
export interface LogoutReceiver {
  readonly url: string;
  readonly received: ReceivedLogout[];
  /** how it answers from now on */
  answer(reply: { readonly status: number; readonly location?: string; readonly body?: string }): void;
  close(): void;
}

/** Opens a client's back-channel address; it answers 200. */
export async function logoutReceiver(): Promise<LogoutReceiver> {
  const received: ReceivedLogout[] = [];
  let reply: { status: number; location?: string; body?: string } = { status: 200 };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += String(part);
    });
    request.on("end", () => {
      const fields = Object.fromEntries(new URLSearchParams(body));
      received.push({ path: request.url ?? "", contentType: request.headers["content-type"] ?? "", fields });
      const { status, location, body: sent } = reply;
      response.writeHead(status, location === undefined ? {} : { location }).end(sent);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (next) => {
      reply = next;
    },
    close: () => server.close(),
  };
}
