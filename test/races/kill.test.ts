import { test } from "node:test";
import { checkNothingLost, killUnderLoad } from "../support/kill-under-load.ts";
import { serverPlace } from "../support/server-process.ts";

// test/faults/kill.test.ts kills twenty times.
test("a server that is killed twice under load has every token, revocation and refresh that a client was told of", async () => {
  const place = await serverPlace();
  checkNothingLost(await killUnderLoad(place, { kills: 2 }), 2);
  await place.remove();
});
