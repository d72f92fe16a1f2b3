import { test } from "node:test";
import { killUnderLoad } from "../support/kill-under-load.ts";
import { serverPlace } from "../support/server-process.ts";

// npm run test:faults: invariants only, no speed.

const KILLS = 20;

test(`a server that is killed ${KILLS} times under load loses nothing that a client was told of`, async () => {
  const place = await serverPlace();
  await killUnderLoad(place, KILLS, (progress) => console.log(`  ${progress}`));
  await place.remove();
});
