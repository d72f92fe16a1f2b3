import assert from "node:assert/strict";
import { call } from "./http.ts";
import type { TestServer } from "./test-server.ts";

/** What a server's `/metrics` says at a moment. */
export interface Scrape {
  readonly text: string;
  /** The sum of the series of this name whose labels include these; 0 if there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Reads the metrics as Prometheus does. */
export async function scrape(server: Pick<TestServer, "operationsUrl">): Promise<Scrape> {
  const { status, headers, text } = await call(`${server.operationsUrl}/metrics`);
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const series = lines.map((line) => {
    const [, name = "", labels = "", value = ""] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    assert.notEqual(name, "", `not a series: ${line}`);
    return { name, labels, value: Number(value) };
  });
  return {
    text,
    sum: (name, labels = {}) => {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const found = series.filter((one) => one.name === name && wanted.every((part) => one.labels.includes(part)));
      return found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}
