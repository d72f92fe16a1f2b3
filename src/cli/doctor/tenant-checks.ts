import { createRandom, hexId } from "../../platform/random.ts";
import { applicationPath, realmPath } from "../../protocol/client-metadata.ts";
import { CliError } from "../cli-error.ts";
import { type Answer, send, sendForm } from "../http.ts";
import { objectOf, textOf } from "../json.ts";
import { issuerOf, type Profile } from "../profile.ts";
import { refusedToken, requestToken } from "../token-client.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const CREDENTIALS = "credentials";
const WALL = "tenants apart";
/** What only an answer with data has. */
const DATA = ["keys", "tokens", "realms", "decisions", "id"];

/** Checks the profile's credentials, and that they open nothing of another tenant. */
export async function checkTenant(profile: Profile, otherTenant: string | undefined): Promise<Finding[]> {
  // All that the application may have, for a minute: the test is worth as much as the token that it is made with.
  const answer = await requestToken(profile, { expiration_time: "60", token_name: "mayfly doctor" });
  const token = textOf(answer.json, "access_token");
  if (token === undefined) {
    const { message, advice = "Log in again: mayfly login" } = refusedToken(profile, answer);
    return [fail(CREDENTIALS, message, advice)];
  }
  const found = ok(CREDENTIALS, `the client ${profile.clientId} of ${issuerOf(profile)}`);
  return [found, await checkWall(profile, token, otherTenant)];
}

async function checkWall(profile: Profile, token: string, otherTenant: string | undefined): Promise<Finding> {
  const other = otherTenant ?? hexId(createRandom());
  if (other === profile.key.tenantId) throw new CliError("--other-tenant is the profile's own tenant");
  const bearer = { authorization: `Bearer ${token}` };
  const own = await send({ method: "GET", url: `${profile.origin}${realmPath(profile.key)}/keys`, headers: bearer });
  const there = { ...profile.key, tenantId: other };
  const reads = [`/v1/tenants/${other}:export`, `${realmPath(there)}/keys`, `${applicationPath(there)}/tokens`];
  const answers = [
    ...(await Promise.all(
      reads.map((path) => send({ method: "GET", url: `${profile.origin}${path}`, headers: bearer })),
    )),
    await sendForm(`${profile.origin}${realmPath(there)}/introspect`, { token }, bearer),
  ];
  const open = answers.filter((answer) => !isRefusal(answer));
  const which = `${otherTenant === undefined ? "a tenant that may not exist" : "the tenant"} ${other}`;
  if (open.length > 0) {
    const traces = open.map(({ headers }) => headers.get("x-trace-id")).join(", ");
    return fail(
      WALL,
      `${open.length} requests to ${which} were not refused (traces ${traces})`,
      "Stop the server and report this: see SECURITY.md.",
    );
  }
  const detail = `${answers.length} requests to ${which} were refused, without data`;
  if (own.status === 200) return ok(WALL, detail);
  return warn(
    WALL,
    `${detail}; but the token opens little here either`,
    "Prove more with a management profile (--profile).",
  );
}

function isRefusal({ status, json }: Answer): boolean {
  const isRefused = status === 401 || status === 403 || status === 404;
  return isRefused && DATA.every((name) => !(name in objectOf(json)));
}
