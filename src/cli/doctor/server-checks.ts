import type { Config } from "../../config.ts";
import { CliError } from "../cli-error.ts";
import { type Answer, send } from "../http.ts";
import { listOf, objectOf, textOf } from "../json.ts";
import type { World } from "../world.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

const OFFSET_SECONDS_MAX = 5;
const SERVER = "server";
const DATABASE = "database";
const CLOCK = "clock";

/** Where a server is to be looked at. */
export interface ServerPlace {
  /** of the main listener */
  readonly origin: string;
  /** of the operators' listener; undefined where it is not known */
  readonly operationsUrl: string | undefined;
}

/** Where the operators' listener of a configuration is. */
export function operationsUrlOf(config: Config | undefined): string | undefined {
  if (config === undefined) return undefined;
  const host = config.opsHost === "0.0.0.0" || config.opsHost === "::" ? "127.0.0.1" : config.opsHost;
  return `http://${host.includes(":") ? `[${host}]` : host}:${config.opsPort}`;
}

/** Checks a server that runs: that it answers, its database, its clock. */
export async function checkServer(world: World, place: ServerPlace): Promise<Finding[]> {
  const live = await tryGet(`${place.origin}/health/live`);
  if (!isAnswer(live) || live.status !== 200) {
    const advice = "Start it (mayfly start), or log in to the one that runs: mayfly login";
    return [fail(SERVER, isAnswer(live) ? `${place.origin} answers ${live.status}` : live, advice)];
  }
  const details =
    place.operationsUrl === undefined ? "not known from here" : await tryGet(`${place.operationsUrl}/health/ready`);
  const version = isAnswer(details) ? await tryGet(`${place.operationsUrl}/version`) : "";
  const server = ok(SERVER, `${place.origin}${isAnswer(version) ? `, ${describeVersion(version)}` : ""}`);
  const offset = checkOffset(world, live);
  if (isAnswer(details)) return [server, ...checkDetails(details), offset];
  return [server, await checkBareReadiness(place.origin, details), offset];
}

function checkDetails(answer: Answer): Finding[] {
  const checks = listOf(answer.json, "checks");
  const broken = checks.filter((check) => objectOf(check).ok !== true).map((check) => textOf(check, "name") ?? "");
  const isDatabase = (name: string) => name === "database" || name.includes("partitions");
  const bad = broken.filter(isDatabase);
  const others = broken.filter((name) => !isDatabase(name));
  const database =
    bad.length === 0
      ? ok(DATABASE, "answers, and partitions are there ahead of time")
      : fail(
          DATABASE,
          `not in order: ${bad.join(", ")}`,
          "See the server's log; check MAYFLY_DATABASE_URL and the database.",
        );
  const advice = "See the server's log. A clock that was not measured for a minute is the database's not answering.";
  return [database, ...others.map((name) => fail(`ready: ${name}`, "no", advice))];
}

async function checkBareReadiness(origin: string, reason: string): Promise<Finding> {
  const ready = await tryGet(`${origin}/health/ready`);
  const advice = "For the details run doctor where the server runs, or name its operators' listener: --ops-url";
  if (isAnswer(ready) && ready.status === 200) return skip(DATABASE, `the server is ready; details: ${reason}`, advice);
  return fail(DATABASE, "the server is not ready", advice);
}

function checkOffset({ clock }: World, { headers }: Answer): Finding {
  const serverMs = Date.parse(headers.get("date") ?? "");
  if (Number.isNaN(serverMs)) return skip(CLOCK, "the server sends no date", "A proxy may remove it; look past it.");
  // A date has whole seconds: half of one is its middle.
  const offset = Math.round((serverMs + 500 - clock.nowMs()) / 1000);
  if (Math.abs(offset) <= OFFSET_SECONDS_MAX) return ok(CLOCK, `${Math.abs(offset)} s from this machine's`);
  const side = offset > 0 ? "ahead of" : "behind";
  const advice = "Let both follow a time server: a client with a wrong clock takes live tokens for expired ones.";
  return warn(CLOCK, `the server is ${Math.abs(offset)} s ${side} this machine`, advice);
}

function describeVersion({ json }: Answer): string {
  return `version ${textOf(json, "version") ?? "?"}, Node ${textOf(json, "node") ?? "?"}, ${textOf(json, "database") ?? "?"} database`;
}

/** The answer, or in words why there is none. */
async function tryGet(url: string): Promise<Answer | string> {
  try {
    return await send({ method: "GET", url });
  } catch (error) {
    if (error instanceof CliError) return error.message;
    throw error;
  }
}

function isAnswer(tried: Answer | string): tried is Answer {
  return typeof tried !== "string";
}
