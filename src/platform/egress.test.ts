import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { isPublicAddress } from "./addresses.ts";
import { EgressRefused, postForm } from "./egress.ts";

describe("which addresses are public", () => {
  const NOT_PUBLIC =
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 198.18.0.1 224.0.0.1 255.255.255.255 " +
    ":: ::1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 fe80::1 fc00::1 fd12::1 ff02::1 2001:db8::1 2002:7f00:1::1 2001::1 localhost";
  for (const address of NOT_PUBLIC.split(" ")) {
    test(`${address} is not`, () => assert.equal(isPublicAddress(address), false));
  }
  for (const address of ["8.8.8.8", "172.15.0.1", "172.32.0.1", "193.0.0.1", "2606:4700::1111", "2a00:1450::1"]) {
    test(`${address} is`, () => assert.equal(isPublicAddress(address), true));
  }
});

describe("what is sent to an address that a tenant has chosen", () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) server.closeAllConnections();
    for (const server of servers) server.close();
  });

  async function listen(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  test("goes where it is allowed, and the answer's status is what is told", async () => {
    const url = await listen((_request, response) => response.writeHead(302, { location: "http://10.0.0.1/" }).end());
    assert.equal(await postForm(url, { a: "b" }, ["127.0.0.1"]), 302);
  });

  test("is refused to another scheme, a literal and a name that lead to this machine", async () => {
    for (const url of [
      "http://example.com/",
      "https://127.0.0.1/",
      "https://[::1]/",
      "https://2130706433/",
      "https://localhost/",
    ]) {
      await assert.rejects(postForm(url, {}, []), EgressRefused, url);
    }
  });

  test("ends at an answer that is too long", async () => {
    const url = await listen((_request, response) => response.end("x".repeat(70_000)));
    await assert.rejects(postForm(url, {}, ["127.0.0.1"]), /over 65536 bytes/);
  });
});
