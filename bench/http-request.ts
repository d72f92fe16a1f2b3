/** A form post with `client_secret_basic`, which is how every benchmark authenticates on every side. */
export type FormPost = {
  path: string;
  clientId: string;
  clientSecret: string;
  form: Record<string, string>;
};

const REQUEST_SECONDS_MAX = 10;

/** Writes the whole HTTP/1.1 request that the load generator sends. */
export function requestText(post: FormPost, port: number): string {
  const body = new URLSearchParams(post.form).toString();
  const head = [
    `POST ${post.path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    `authorization: ${basic(post)}`,
    "content-type: application/x-www-form-urlencoded",
    `content-length: ${body.length}`,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Sends one form post and returns the JSON object of its answer; throws unless the status is 200. */
export async function sendForm(post: FormPost, port: number): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${port}${post.path}`, {
    method: "POST",
    headers: { authorization: basic(post) },
    body: new URLSearchParams(post.form),
    signal: AbortSignal.timeout(REQUEST_SECONDS_MAX * 1000),
  });
  const answer: unknown = await response.json();
  if (response.status !== 200 || typeof answer !== "object" || answer === null) {
    throw new Error(`POST ${post.path} answered ${response.status}: ${JSON.stringify(answer)}`);
  }
  return { ...answer };
}

function basic(post: FormPost): string {
  return `Basic ${Buffer.from(`${post.clientId}:${post.clientSecret}`).toString("base64")}`;
}
