import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { readConfig } from "../src/config.ts";
import { listMetrics } from "../src/platform/metric-table.ts";
import { readExpression } from "./support/promql.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const { panels }: { panels: readonly Panel[] } = JSON.parse(read("docs/grafana/mayfly.json"));
const targets = panels.flatMap(({ title, targets: own = [] }) => own.map((target) => ({ title, ...target })));
const declared = listMetrics();

describe("the dashboard", () => {
  test("asks for metrics and labels that the server has", () => {
    assert.ok(targets.length > 40);
    const wrong = targets.flatMap(({ title, expr }) =>
      readExpression(expr, declared).problems.map((problem) => `${title}: ${problem}`),
    );
    assert.deepEqual(wrong, []);
  });

  test("shows every metric of the server", () => {
    const shown = new Set(targets.flatMap(({ expr }) => [...readExpression(expr, declared).used]));
    const missing = declared.map(({ name }) => name).filter((name) => !shown.has(name));
    assert.deepEqual(missing, [], "a new metric needs a panel in docs/grafana/mayfly.json");
  });

  test("names its lines by labels that they have", () => {
    const wrong = targets.flatMap(({ title, expr, legendFormat }) => {
      const { labels } = readExpression(expr, declared);
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
      return named.filter((label) => !labels.has(label)).map((label) => `${title}: ${label}`);
    });
    assert.deepEqual(wrong, []);
  });

  test("has the rows of the guide, and no panel upon another", () => {
    const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title.toLowerCase());
    assert.ok(read("docs/guides/observing.md").includes(`Its rows are ${rows.join(", ")}.`), rows.join(", "));
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
  });
});

describe("the guide to observing", () => {
  const blocks = [...read("docs/guides/observing.md").matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = ""]) => text);

  test("scrapes where the operators' listener is by default", () => {
    const [scrape] = parse(blocks[0] ?? "").scrape_configs;
    const { opsHost, opsPort } = readConfig({});
    assert.deepEqual(scrape.static_configs, [{ targets: [`${opsHost}:${opsPort}`] }]);
    assert.equal(scrape.metrics_path ?? "/metrics", "/metrics");
  });

  test("has six alerts, of metrics and labels that the server has", () => {
    const { rules }: { rules: { alert: string; expr: string }[] } = parse(blocks[1] ?? "").groups[0];
    assert.equal(rules.length, 6);
    const problems = rules.flatMap(({ alert, expr }) =>
      readExpression(expr, declared).problems.map((problem) => `${alert}: ${problem}`),
    );
    assert.deepEqual(problems, []);
  });
});

test("an expression that names what is not there is found out", () => {
  const problemsOf = (expr: string) => readExpression(expr, declared).problems.length;
  assert.equal(problemsOf('sum by (route) (rate(mayfly_refusals_total{error="x", instance=~"$instance"}[5m]))'), 0);
  assert.equal(problemsOf("sum(rate(mayfly_refusal_total[5m]))"), 1);
  assert.equal(problemsOf("mayfly_http_request_duration_seconds"), 1, "a histogram has no series of its own name");
  assert.equal(problemsOf('mayfly_refusals_total{tenant_id="x"}'), 1);
  assert.equal(problemsOf("sum by (le) (mayfly_batch_size_count)"), 1);
  assert.equal(problemsOf("a + mayfly_purge_lag_seconds > 5"), 1);
});
