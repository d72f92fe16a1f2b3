import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { createSimulatedTimers } from "../../test/support/simulated-timers.ts";
import { createRefusedConnections, REST_MS_MAX } from "./refused-connections.ts";

/** More than refusing may take: whoever is refused after that rests. */
const LONG_MS = 1_000;

async function openSockets(t: TestContext, count: number): Promise<Socket[]> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const accepted: Socket[] = [];
  for (let number = 0; number < count; number += 1) {
    const client = connect(address.port, "127.0.0.1").on("error", () => undefined);
    const [[socket]] = await Promise.all([once(server, "connection"), once(client, "connect")]);
    accepted.push(socket.resume());
    t.after(() => client.destroy());
  }
  t.after(() => server.close());
  return accepted;
}

test("while refusing takes little, every connection is read on", async (t) => {
  const { timers, pass } = createSimulatedTimers();
  const connections = createRefusedConnections(timers);
  const [socket] = await openSockets(t, 1);
  assert.ok(socket);
  for (let count = 0; count < 1_000; count += 1) {
    connections.add(socket, timers.nowMs() - 0.01);
    if (count % 10 === 9) await pass(10);
  }
  assert.equal(socket.isPaused(), false);
});

test("when refusing takes too long connections rest, and all are read again within a second, a few at a time", async (t) => {
  const { timers, pass } = createSimulatedTimers();
  const connections = createRefusedConnections(timers);
  const sockets = await openSockets(t, 400);
  for (const socket of sockets) connections.add(socket, timers.nowMs() - LONG_MS);
  await pass(0);
  const countResting = () => sockets.filter((socket) => socket.isPaused()).length;
  assert.equal(countResting(), sockets.length);
  for (let before = sockets.length; before > 0; before = countResting()) {
    await pass(50);
    const woken = before - countResting();
    assert.ok(woken > 0 && woken < 100, `${woken} were woken at once`);
    assert.ok(timers.nowMs() <= REST_MS_MAX + 50, "some rest too long");
  }
});

test("what is read first on a connection that rested has waited; once that is refused, the next is new", async (t) => {
  const { timers, pass } = createSimulatedTimers();
  const connections = createRefusedConnections(timers);
  const [socket, other] = await openSockets(t, 2);
  assert.ok(socket && other);
  assert.equal(connections.hasWaited(socket), false);
  const seen: boolean[] = [];
  socket.on("resume", () => {
    seen.push(connections.hasWaited(socket), connections.hasWaited(other));
    connections.add(socket, timers.nowMs() - LONG_MS);
    seen.push(connections.hasWaited(socket));
  });
  connections.add(socket, timers.nowMs() - LONG_MS);
  await pass(0);
  assert.equal(socket.isPaused(), true);
  await pass(50);
  assert.deepEqual(seen, [true, false, false]);
  assert.equal(socket.isPaused(), false, "it had no new chance");
  connections.add(socket, timers.nowMs() - LONG_MS);
  await pass(0);
  assert.equal(socket.isPaused(), true);
});

test("what came on a connection after its turn began is new", async (t) => {
  const { timers, pass } = createSimulatedTimers();
  const connections = createRefusedConnections(timers);
  const [socket] = await openSockets(t, 1);
  assert.ok(socket);
  connections.add(socket, timers.nowMs() - LONG_MS);
  await pass(50);
  assert.equal(socket.isPaused(), false);
  assert.equal(connections.hasWaited(socket), false);
});
