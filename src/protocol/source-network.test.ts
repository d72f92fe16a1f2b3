import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceNetwork } from "./source-network.ts";

const NETWORKS = [
  ["203.0.113.9", "203.0.113.0/24"],
  ["203.0.113.250", "203.0.113.0/24"],
  ["::ffff:203.0.113.9", "203.0.113.0/24"],
  ["::FFFF:203.0.113.9", "203.0.113.0/24"],
  ["2001:db8:1:2::3", "2001:db8:1::/48"],
  ["2001:0DB8:0001:ffff:1:2:3:4", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0::/48"],
  ["2001:db8:0:5::1", "2001:db8:0::/48"],
  ["::1", "0:0:0::/48"],
  ["fe80::1%eth0", "fe80:0:0::/48"],
  ["fe80::1%eth1", "fe80:0:0::/48"],
  ["unknown", "unknown"],
] as const;

for (const [address, network] of NETWORKS) {
  test(`${address} comes from ${network}`, () => {
    assert.equal(sourceNetwork(address), network);
  });
}
