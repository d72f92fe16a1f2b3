import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { DatabaseUnavailable } from "./database-error.ts";
import { createStandbyWatch } from "./standby-watch.ts";

function fixture(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const world = { waiting: [] as string[], looks: 0 };
  const watch = createStandbyWatch(async () => {
    world.looks += 1;
    return world.waiting;
  });
  const admit = async (): Promise<boolean> => {
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(300);
    return (watch.admit() ?? Promise.resolve()).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof DatabaseUnavailable);
        return false;
      },
    );
  };
  return { world, watch, admit };
}

test("while nothing was silent nobody looks", async (t) => {
  const { world, watch } = fixture(t);
  assert.equal(watch.admit(), undefined);
  assert.equal(world.looks, 0);
});

test("commits that wait at two looks are stuck; others were on their way", async (t) => {
  const { world, watch, admit } = fixture(t);
  watch.suspect();
  world.waiting = ["1 700", "2 701"];
  assert.equal(await admit(), false, "the first look cannot tell");
  world.waiting = ["1 700", "2 799"];
  assert.equal(await admit(), false);
  world.waiting = ["1 801", "2 800"];
  assert.equal(await admit(), true);
  assert.equal(watch.admit(), undefined, "all is well again");
});

test("where no commit waits it was something else", async (t) => {
  const { watch, admit } = fixture(t);
  watch.suspect();
  assert.equal(await admit(), true);
  assert.equal(watch.admit(), undefined);
});
