import { connect, type Socket } from "node:net";
import { findResponseEnd } from "./http-response.ts";

const READ_BUFFER_BYTES = 16 * 1024;

/** An answer: the whole response, or why there is none. */
export type Answer = { bytes: Buffer; status: number } | { failure: string };

/** A keep-alive connection with one request in flight at most. */
export type LoadConnection = { send(request: Buffer): void; destroy(): void };

/**
 * Opens a connection; `answered` is called once for each request sent. Plain sockets, because an HTTP client in Node
 * would need more CPU than the servers it measures.
 */
export function openLoadConnection(
  address: { host: string; port: number },
  answered: (answer: Answer) => void,
): Promise<LoadConnection> {
  return new Promise((resolve, reject) => {
    let pending: Buffer | undefined;
    let isInFlight = false;
    let opened = false;
    let closed = false;
    const settle = (answer: Answer) => {
      pending = undefined;
      isInFlight = false;
      answered(answer);
    };
    const received = (size: number, buffer: Uint8Array): boolean => {
      const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, size);
      const bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
      const response = findResponseEnd(bytes);
      if (response !== undefined) settle({ bytes, status: response.status });
      else pending = pending === undefined ? Buffer.from(chunk) : bytes;
      return true;
    };
    const socket: Socket = connect({
      ...address,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafe(READ_BUFFER_BYTES), callback: received },
    });
    socket.once("connect", () => {
      opened = true;
      resolve({
        send: (request) => {
          isInFlight = true;
          if (closed) queueMicrotask(() => settle({ failure: "the connection was closed" }));
          else socket.write(request);
        },
        destroy: () => {
          isInFlight = false;
          socket.destroy();
        },
      });
    });
    socket.once("error", (error) => (opened ? undefined : reject(error)));
    // A server that closes a connection under load is at fault: the connection ends there and counts once.
    socket.once("close", () => {
      closed = true;
      if (isInFlight) settle({ failure: "the connection was closed before the answer" });
    });
  });
}
