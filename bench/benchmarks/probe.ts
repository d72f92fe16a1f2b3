import { issueToken } from "../access-token.ts";
import type { CustomBenchmark, Row } from "../benchmark.ts";
import { requestText, sendForObject } from "../http-request.ts";
import type { LoadResult } from "../load-plan.ts";
import { type RunContext, runLoad, startSide, waitForRest } from "../run-context.ts";
import type { RunningSide, SideName } from "../side.ts";
import { median } from "../statistics.ts";

const PROBES_PER_SECOND = 100;
/** Probes wait for no other probe: more connections than can be busy. */
const PROBE_CONNECTIONS = 100;
const P99_MILLISECONDS_MAX = 20;
/** The load begins before the probe is measured and ends after it. */
const MARGIN_SECONDS = 1;
const SIDES: SideName[] = ["mayfly", "peer-postgresql"];

/** What a small request waits while RS256 is signed at full load: nothing may starve behind RSA. */
export const probe: CustomBenchmark = {
  name: "probe",
  isHeavy: false,
  steps: ({ rounds, sides }) => chosen(sides).length * rounds,
  async run(context) {
    const rows: Row[] = [];
    for (const name of chosen(context.settings.sides)) {
      const side = await startSide(name, context);
      try {
        rows.push(...(await probeSide(side, context)));
      } finally {
        await side.stop();
      }
    }
    return rows;
  },
};

function chosen(sides: SideName[]): SideName[] {
  return SIDES.filter((name) => sides.includes(name));
}

async function probeSide(side: RunningSide, context: RunContext): Promise<Row[]> {
  await issueToken(side, "RS256");
  await sendForObject(side.jwks("RS256"), side.port);
  await waitForRest(context);
  const probes: LoadResult[] = [];
  const loads: LoadResult[] = [];
  for (let round = 0; round < context.settings.rounds; round += 1) {
    context.progress.step(`p99 of JWKS under RS256: ${side.name}, round ${round + 1}`);
    const [probed, loaded] = await Promise.all([probeOnce(side, context), loadOnce(side, context)]);
    probes.push(probed);
    loads.push(loaded);
  }
  const note = `${side.name}; meanwhile ${Math.round(median(loads.map(rate)))} tokens/s; ${Math.min(...probes.map(rate)).toFixed(0)} probes/s answered`;
  return [
    {
      label: "p99 of JWKS while RS256 is signed at full load",
      value: median(probes.map((result) => result.p99Milliseconds)),
      unit: "ms",
      ...(side.name === "mayfly" ? { target: { atMost: P99_MILLISECONDS_MAX } } : {}),
      note,
    },
  ];
}

function rate(result: LoadResult): number {
  return result.requests / result.seconds;
}

function probeOnce(side: RunningSide, context: RunContext): Promise<LoadResult> {
  return runLoad(
    side,
    {
      source: { kind: "cycle", requests: [requestText(side.jwks("RS256"), side.port)] },
      expectedText: '"keys":',
      connections: PROBE_CONNECTIONS,
      ratePerSecond: PROBES_PER_SECOND,
      warmupSeconds: MARGIN_SECONDS,
    },
    context,
  );
}

function loadOnce(side: RunningSide, context: RunContext): Promise<LoadResult> {
  const { seconds } = context.settings;
  return runLoad(
    side,
    {
      source: { kind: "cycle", requests: [requestText(side.issue("RS256"), side.port)] },
      expectedText: '"access_token":"',
      warmupSeconds: MARGIN_SECONDS,
      seconds: seconds + MARGIN_SECONDS,
    },
    context,
  );
}
