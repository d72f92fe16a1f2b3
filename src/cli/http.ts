import { setTimeout as pause } from "node:timers/promises";
import { CliError } from "./cli-error.ts";
import { parseJson } from "./json.ts";
import { isLoopback } from "./profile.ts";

const TIMEOUT_MS = 30_000;
const TRIES_MAX = 4;
const PAUSE_SECONDS_MAX = 5;

/** A request as commands make it. */
export interface Sent {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined when the body is no JSON */
  readonly json: unknown;
}

/**
 * Sends a request, and again after a pause while the server answers 429 or 503: then it has done nothing. Redirects are answers.
 *
 * @throws CliError when there is no answer
 */
export async function send(sent: Sent): Promise<Answer> {
  for (let left = TRIES_MAX - 1; ; left -= 1) {
    const answer = await sendOnce(sent);
    const wait = Number(answer.headers.get("retry-after") ?? Number.NaN);
    const isBusy = (answer.status === 503 || answer.status === 429) && wait <= PAUSE_SECONDS_MAX;
    if (!isBusy || left === 0) return answer;
    await pause(wait * 1000);
  }
}

/** Sends a form. */
export function sendForm(
  url: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const body = new URLSearchParams(form).toString();
  return send({
    method: "POST",
    url,
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  });
}

async function sendOnce({ url, ...init }: Sent): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parseJson(text) };
  } catch (cause) {
    const { origin } = new URL(url);
    throw new CliError(`${origin} does not answer (${reasonOf(cause)})`, {
      advice: isLoopback(new URL(url))
        ? "Is the server running? Start it with: mayfly start"
        : "Check the address, the network, and that the server runs; mayfly doctor looks closer.",
      cause,
    });
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return cause instanceof Error ? cause.message : "no reason known";
}
