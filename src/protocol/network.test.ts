import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isWithin, listRepresentatives, parseAddress, parseNetwork } from "./network.ts";

const within = (address: string, network: string): boolean => {
  const [one, other] = [parseAddress(address), parseNetwork(network)];
  assert.ok(one && other, `${address} ${network}`);
  return isWithin(one, other);
};

test("an address is within a network or not, whichever way both are written", () => {
  assert.ok(within("10.1.2.3", "10.0.0.0/8"));
  assert.ok(!within("11.1.2.3", "10.0.0.0/8"));
  assert.ok(within("10.1.2.3", "10.1.2.3"));
  assert.ok(within("::ffff:10.1.2.3", "10.0.0.0/8"));
  assert.ok(within("10.1.2.3", "::ffff:10.0.0.0/104"));
  assert.ok(within("255.255.255.255", "0.0.0.0/0"));
  assert.ok(!within("::1", "0.0.0.0/0"));
  assert.ok(within("2001:db8::1", "2001:DB8:0::/32"));
  assert.ok(within("fe80::1%eth0", "fe80::/10"));
  assert.ok(!within("2001:db9::", "2001:db8::/32"));
});

test("what is no network is not read as one", () => {
  for (const text of [
    "",
    "x",
    "10.0.0.0/33",
    "10.0.0/8",
    "::/129",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "fe80::%1/10",
    "::ffff:1.2.3.4/90",
  ])
    assert.equal(parseNetwork(text), undefined, text);
});

test("every address is in the same networks as one of the representatives", () => {
  const anyNetwork = fc
    .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
    .map(([address, length]) => `${address}/${length}`)
    .map((text) => parseNetwork(text))
    .filter((network) => network !== undefined);
  fc.assert(
    fc.property(fc.array(anyNetwork, { maxLength: 6 }), fc.ipV4(), (networks, text) => {
      const address = parseAddress(text);
      assert.ok(address);
      const pattern = (one: typeof address) => networks.map((network) => isWithin(one, network)).join();
      assert.ok(listRepresentatives(networks).some((one) => pattern(one) === pattern(address)));
    }),
    { numRuns: 500 },
  );
});
