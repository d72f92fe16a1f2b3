import { test } from "node:test";
import { killUnderLoad } from "../support/kill-under-load.ts";
import { serverPlace } from "../support/server-process.ts";

// test/faults/kill.test.ts kills twenty times.
test("a server that is killed twice under load has every token and revocation that a client was told of", async () => {
  const place = await serverPlace();
  await killUnderLoad(place, 2);
  await place.remove();
});
