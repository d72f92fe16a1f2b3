/** A client with its secret; every benchmark authenticates by `client_secret_basic`, on every side. */
export type BenchClient = { clientId: string; clientSecret: string };

/** A request to measure: a form post by a client where there is a form, else a GET by whoever holds the bearer token, or anybody. */
export type BenchRequest = { path: string; client?: BenchClient; bearer?: string; form?: Record<string, string> };

const REQUEST_SECONDS_MAX = 10;

/** Writes the whole HTTP/1.1 request that the load generator sends. */
export function requestText(request: BenchRequest, port: number): string {
  const body = request.form === undefined ? undefined : new URLSearchParams(request.form).toString();
  const head = [
    `${body === undefined ? "GET" : "POST"} ${request.path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    ...authorizations(request).map((value) => `authorization: ${value}`),
    ...(body === undefined
      ? []
      : ["content-type: application/x-www-form-urlencoded", `content-length: ${body.length}`]),
  ];
  return `${head.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** Sends one request and returns the body of its answer; throws unless the status is 200. */
export async function sendRequest(request: BenchRequest, port: number): Promise<string> {
  const { path, form } = request;
  const [authorization] = authorizations(request);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    signal: AbortSignal.timeout(REQUEST_SECONDS_MAX * 1000),
    ...(authorization === undefined ? {} : { headers: { authorization } }),
    ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
  });
  const answer = await response.text();
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${answer}`);
  return answer;
}

/** Sends one request and returns the JSON object of its answer; throws unless the status is 200. */
export async function sendForObject(request: BenchRequest, port: number): Promise<Record<string, unknown>> {
  const answer: unknown = JSON.parse(await sendRequest(request, port));
  if (typeof answer !== "object" || answer === null) throw new Error(`${request.path} answered no object`);
  return { ...answer };
}

function authorizations({ client, bearer }: BenchRequest): string[] {
  if (bearer !== undefined) return [`Bearer ${bearer}`];
  return client === undefined ? [] : [basic(client)];
}

function basic(client: BenchClient): string {
  return `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString("base64")}`;
}
