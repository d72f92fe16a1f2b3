import assert from "node:assert/strict";
import { postForm } from "./http.ts";
import { type Audience, addIntrospector } from "./introspector.ts";
import type { TestClient } from "./test-client.ts";
import { tokensOf } from "./test-code-flow.ts";
import type { TestApplication } from "./test-tenant.ts";

type Client = Pick<TestClient, "tenant" | "application">;

/** An API that may hear of its audience. */
export async function makeApi(audience: Audience): Promise<TestApplication> {
  return (await addIntrospector(audience)).application;
}

/** A token of a client that acts for itself. */
export async function issueTo({ tenant, application }: Client): Promise<string> {
  return tokensOf(await tenant.token(application, { grant_type: "client_credentials" })).access;
}

/** Lets a client revoke its token. */
export async function revokeFor({ application }: Client, token: string): Promise<void> {
  const { authorization } = application;
  assert.equal((await postForm(`${application.issuer}/revoke`, { token }, { authorization })).status, 200);
}
