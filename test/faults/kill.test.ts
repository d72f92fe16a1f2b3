import { test } from "node:test";
import { startPostgres } from "../../bin/postgres.mjs";
import { checkNothingLost, killUnderLoad } from "../support/kill-under-load.ts";
import { serverPlace } from "../support/server-process.ts";
import { databaseSide } from "../support/test-database.ts";

// npm run test:faults: invariants only, no speed. `npm run bench kills -- --full` kills a hundred times.

const KILLS = 20;
const MASTER_KEY = "faults-master-key-0123456789-abcdefghijklmnopqrst";

function tell(progress: string): void {
  console.log(`  ${progress}`);
}

test(`a server that is killed ${KILLS} times under load loses nothing that a client was told of`, async () => {
  const place = await serverPlace();
  checkNothingLost(await killUnderLoad(place, { kills: KILLS, tell }), KILLS);
  await place.remove();
});

if (databaseSide() === "postgresql") {
  test(`a database that is killed ${KILLS} times under load loses nothing that a client was told of`, async () => {
    const postgres = await startPostgres();
    const database = { MAYFLY_DATABASE_URL: postgres.url, MAYFLY_MASTER_KEY: MASTER_KEY };
    const place = await serverPlace({ database: { ...database, MAYFLY_LOG_LEVEL: "silent" } });
    try {
      checkNothingLost(await killUnderLoad(place, { kills: KILLS, postgres, tell }), KILLS);
    } finally {
      await place.remove();
      await postgres.stop();
    }
  });
}
