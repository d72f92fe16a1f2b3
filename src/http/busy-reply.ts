import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../platform/log.ts";
import { chooseLanguage, type Language } from "../protocol/language.ts";
import { replyToError, ServerBusy } from "./errors.ts";
import { matchPaths } from "./match-paths.ts";
import { prefersJson, replyWithErrorPage } from "./pages.ts";
import type { HttpReply, Route } from "./route.ts";

const BUSY_STATUS = 503;
/** Stands for the trace id, the one thing in which these answers differ. */
const TRACE_ID = Buffer.alloc(16, 0xa5);

/** An answer that is made before it is needed: refusing must cost next to nothing. */
interface ReadyReply {
  readonly headers: readonly string[];
  readonly before: string;
  /** what follows the trace id, where the body names it */
  readonly after: string | undefined;
  /** without the trace id */
  readonly bytes: number;
}

/** Answers 503 in the shape of the route's errors, before anything of the request but its first line was looked at. */
export type ReplyBusy = (
  request: IncomingMessage,
  response: ServerResponse,
  options: { readonly traceId: string; readonly isLast: boolean },
) => void;

/** Makes the answers of all kinds of routes. */
export function createBusyReply(routes: readonly Route[], log: Log): ReplyBusy {
  const busy = new ServerBusy();
  const context = { traceId: TRACE_ID.toString("hex"), log };
  const auth = makeReady(replyToError(busy, { ...context, kind: "auth" }));
  const shownIn = (language: Language): ReadyReply =>
    makeReady(replyWithErrorPage(busy, { traceId: TRACE_ID, log, accept: undefined, language }));
  const pages: Readonly<Record<Language, ReadyReply>> = { en: shownIn("en"), de: shownIn("de"), es: shownIn("es") };
  const other = makeReady(replyToError(busy, { ...context, kind: "public" }));
  const scim = makeReady(replyToError(busy, { ...context, kind: "public", format: "scim" }));
  const directory = matchPaths(routes.filter((route) => route.operation?.format === "scim"));
  const shown = matchPaths(routes.filter((route) => route.kind === "page" || route.isShown === true));
  const spoken = matchPaths(routes.filter((route) => route.kind === "auth" && route.isShown !== true));

  const choose = ({ url = "/", headers }: IncomingMessage): ReadyReply => {
    if (spoken.test(url)) return auth;
    if (!shown.test(url)) return directory.test(url) ? scim : other;
    return prefersJson(headers.accept) ? auth : pages[chooseLanguage(undefined, headers["accept-language"])];
  };
  return (request, response, { traceId, isLast }) => {
    const { headers, before, after, bytes } = choose(request);
    const body = after === undefined ? before : before + traceId + after;
    const length = String(after === undefined ? bytes : bytes + traceId.length);
    const ending = isLast ? ["connection", "close"] : [];
    response.writeHead(BUSY_STATUS, [...headers, "x-trace-id", traceId, "content-length", length, ...ending]);
    response.end(body);
  };
}

function makeReady(reply: HttpReply): ReadyReply {
  const [before = "", after] = String(reply.body).split(TRACE_ID.toString("hex"));
  const headers = Object.entries({ "x-content-type-options": "nosniff", ...reply.headers }).flatMap(([name, value]) => [
    name,
    String(value),
  ]);
  return { headers, before, after, bytes: Buffer.byteLength(before + (after ?? "")) };
}
