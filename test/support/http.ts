import { setTimeout as sleep } from "node:timers/promises";

/** An answer as tests look at it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** the body as JSON; undefined when it is none */
  readonly json: Record<string, unknown> | undefined;
}

export type Form = Readonly<Record<string, string>> | string;

/** The Authorization header of client credentials. */
export function basic(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
}

/** Sends a form; a string is sent as it is. */
export function postForm(url: string, form: Form, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return call(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
  });
}

const BUSY_PAUSE_MS = 200;
const BUSY_TRIES_MAX = 150;

/** Sends again what is answered 503, for half a minute and more: a server that has just started on a busy machine may refuse. */
export async function askUntilAnswered(send: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    const answer = await send();
    if (answer.status !== 503 || tries === BUSY_TRIES_MAX) return answer;
    await sleep(BUSY_PAUSE_MS);
  }
}

/** Sends a request and reads its answer whole. Redirects are answers, not followed. */
export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: "manual", ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
