/** One metric as the table declares it. Labels take values from small sets only: never an id, a name or anything that was sent. */
export type Declaration<Labels extends readonly string[] = readonly string[]> =
  | CounterDeclaration<Labels>
  | GaugeDeclaration<Labels>
  | HistogramDeclaration<Labels>;

interface Described<Labels> {
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
}

export interface CounterDeclaration<Labels extends readonly string[]> extends Described<Labels> {
  readonly type: "counter";
}

export interface GaugeDeclaration<Labels extends readonly string[]> extends Described<Labels> {
  readonly type: "gauge";
  /** what the processes of one node say together */
  readonly aggregator: "sum" | "max" | "min" | "first";
}

export interface HistogramDeclaration<Labels extends readonly string[]> extends Described<Labels> {
  readonly type: "histogram";
  /** upper bounds, ascending; one without a bound is added */
  readonly buckets: readonly number[];
}

/** A cell is one series of a metric. Look it up once and keep it: adding to it is an addition of numbers. */
export interface CounterCell {
  add(amount?: number): void;
  /** Takes the total from whoever keeps it, whenever somebody looks. */
  read(total: () => number): void;
}

export interface GaugeCell {
  set(value: number): void;
  add(amount: number): void;
  /** Asks for the value whenever somebody looks; undefined leaves the last one. */
  read(value: () => number | undefined): void;
}

export interface HistogramCell {
  observe(value: number): void;
}

type ValuesOf<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

export interface Metric<Labels extends readonly string[], Cell> {
  /** The series of these label values, in the order of the declaration. */
  cell(...values: ValuesOf<Labels>): Cell;
}

/** A metric's values at a moment: plain JSON, so that it can travel between processes. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: Declaration["type"];
  readonly aggregator: string;
  readonly values: readonly SnapshotValue[];
}

export interface SnapshotValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** of a histogram's parts, whose names have a suffix */
  readonly metricName?: string;
}

/** The metrics of one process. */
export interface Metrics {
  counter<const Labels extends readonly string[]>(of: CounterDeclaration<Labels>): Metric<Labels, CounterCell>;
  gauge<const Labels extends readonly string[]>(of: GaugeDeclaration<Labels>): Metric<Labels, GaugeCell>;
  histogram<const Labels extends readonly string[]>(of: HistogramDeclaration<Labels>): Metric<Labels, HistogramCell>;
  /** Lets `refresh` run before each snapshot, for what must be asked for; whoever is late shows what was seen last. */
  beforeSnapshot(refresh: () => Promise<void>): void;
  snapshot(): Promise<readonly MetricSnapshot[]>;
}

/** More series than the table foresees would be a fault of ours, and a bill for whoever stores them: the rest shares one. */
const SERIES_MAX = 1_000;
const OTHER = "other";
const SEPARATOR = "\u0000";
const REFRESH_MS_MAX = 2_000;

interface Family<Cell> {
  cell(...values: readonly string[]): Cell;
  snapshot(): MetricSnapshot;
}

interface Series<Cell> {
  readonly cell: Cell;
  list(labels: Readonly<Record<string, string>>): readonly SnapshotValue[];
}

/** Makes an empty set of metrics, the declared ones and no others. */
export function createMetrics(declarations: readonly Declaration[]): Metrics {
  const counters = new Map<string, Family<CounterCell>>();
  const gauges = new Map<string, Family<GaugeCell>>();
  const histograms = new Map<string, Family<HistogramCell>>();
  for (const declared of declarations) {
    if (declared.type === "counter") counters.set(declared.name, createFamily(declared, "sum", createCounter));
    else if (declared.type === "gauge")
      gauges.set(declared.name, createFamily(declared, declared.aggregator, createGauge));
    else
      histograms.set(
        declared.name,
        createFamily(declared, "sum", () => createHistogram(declared)),
      );
  }
  const families = [...counters.values(), ...gauges.values(), ...histograms.values()];
  const refreshers: (() => Promise<void>)[] = [];
  return {
    counter: ({ name }) => get(counters, name),
    gauge: ({ name }) => get(gauges, name),
    histogram: ({ name }) => get(histograms, name),
    beforeSnapshot: (refresh) => {
      refreshers.push(refresh);
    },
    snapshot: async () => {
      await Promise.all(refreshers.map((refresh) => waitBriefly(refresh())));
      return families.map((family) => family.snapshot());
    },
  };
}

function get<Cell>(families: ReadonlyMap<string, Family<Cell>>, name: string): Family<Cell> {
  const family = families.get(name);
  if (family === undefined) throw new Error(`the metric ${name} is not declared`);
  return family;
}

// A scrape must not hang on what it is there to show.
async function waitBriefly(refreshed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, REFRESH_MS_MAX);
  });
  await Promise.race([refreshed.catch(() => undefined), late]);
  clearTimeout(timer);
}

function createFamily<Cell>(declared: Declaration, aggregator: string, create: () => Series<Cell>): Family<Cell> {
  const { name, help, type, labels } = declared;
  const kept = new Map<string, { readonly values: readonly string[]; readonly series: Series<Cell> }>();
  const cell = (...values: readonly string[]): Cell => {
    const known = kept.get(values.join(SEPARATOR));
    if (known !== undefined) return known.series.cell;
    if (kept.size >= SERIES_MAX && values[0] !== OTHER) return cell(...labels.map(() => OTHER));
    const series = create();
    kept.set(values.join(SEPARATOR), { values, series });
    return series.cell;
  };
  if (labels.length === 0) cell();
  const labelsOf = (values: readonly string[]) =>
    Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""]));
  return {
    cell,
    snapshot: () => ({
      ...{ name, help, type, aggregator },
      values: [...kept.values()].flatMap(({ values, series }) => series.list(labelsOf(values))),
    }),
  };
}

function createCounter(): Series<CounterCell> {
  let total = 0;
  let ask: (() => number) | undefined;
  const cell: CounterCell = {
    add: (amount = 1) => {
      total += amount;
    },
    read: (kept) => {
      ask = kept;
    },
  };
  return { cell, list: (labels) => [{ value: ask?.() ?? total, labels }] };
}

function createGauge(): Series<GaugeCell> {
  let current = 0;
  let ask: () => number | undefined = () => undefined;
  const cell: GaugeCell = {
    set: (value) => {
      current = value;
    },
    add: (amount) => {
      current += amount;
    },
    read: (value) => {
      ask = value;
    },
  };
  const list: Series<GaugeCell>["list"] = (labels) => {
    current = ask() ?? current;
    return [{ value: current, labels }];
  };
  return { cell, list };
}

function createHistogram({ name, buckets }: HistogramDeclaration<readonly string[]>): Series<HistogramCell> {
  const bounds = Float64Array.from([...buckets, Number.POSITIVE_INFINITY]);
  const counts = new Float64Array(bounds.length);
  let sum = 0;
  const observe = (value: number): void => {
    let index = 0;
    while (value > (bounds[index] ?? value)) index += 1;
    counts[index] = (counts[index] ?? 0) + 1;
    sum += value;
  };
  const list: Series<HistogramCell>["list"] = (labels) => {
    let total = 0;
    const values: SnapshotValue[] = [];
    for (const [index, count] of counts.entries()) {
      total += count;
      const le = bounds[index] === Number.POSITIVE_INFINITY ? "+Inf" : String(bounds[index]);
      values.push({ value: total, labels: { ...labels, le }, metricName: `${name}_bucket` });
    }
    values.push({ value: sum, labels, metricName: `${name}_sum` });
    return [...values, { value: total, labels, metricName: `${name}_count` }];
  };
  return { cell: { observe }, list };
}
