import assert from "node:assert/strict";
import { type Answer, call } from "./http.ts";
import type { TestServer } from "./test-server.ts";

/** Calls an operator route, as the operator unless another token is given; `null` sends none. */
export type OperatorClient = (
  method: string,
  path: string,
  sent?: { readonly body?: unknown; readonly token?: string | null; readonly headers?: Record<string, string> },
) => Promise<Answer>;

/** The operator of a server. */
export function operatorClient(server: TestServer): OperatorClient {
  return (method, path, { body, token = server.operatorToken, headers = {} } = {}) =>
    call(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
}

/** Changes the quotas of a tenant, as its operator. */
export async function setQuotas(server: TestServer, tenantId: string, quotas: object): Promise<void> {
  const answer = await operatorClient(server)("PATCH", `/v1/tenants/${tenantId}/quotas`, { body: { quotas } });
  assert.equal(answer.status, 200, answer.text);
}
