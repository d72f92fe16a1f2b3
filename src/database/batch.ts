import { DatabaseUnavailable, isDataError } from "./database-error.ts";
import type { BatchMeter } from "./meter.ts";

/** How requests that arrive together share one statement. */
export interface BatchOptions<Item, Result> {
  /** Answers the items in one transaction: one result per item, in their order. Must recognise its own work when repeated. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly sizeMax?: number;
  readonly inFlightMax?: number;
  readonly queueMax?: number;
  readonly meter?: BatchMeter;
}

export const BATCH_SIZE_MAX = 64;
const BATCHES_IN_FLIGHT = 2;
const BATCH_QUEUE_MAX = 4_096;
const RESENDS_MAX = 2;
const RESEND_DELAY_MS = 25;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly sinceMs: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Groups single requests into batches (settled 4). Its laws: a request joins only a batch that has not been sent; a batch
 * that fails for its data is retried row by row, so that a bad row harms its own request only; after a lost connection the
 * same items are sent again; no more wait than `queueMax`, after that the answer is DatabaseUnavailable at once.
 *
 * @returns a function that submits one item and resolves with its result when that is durable
 */
export function createBatcher<Item, Result>(options: BatchOptions<Item, Result>): (item: Item) => Promise<Result> {
  const { sizeMax = BATCH_SIZE_MAX, inFlightMax = BATCHES_IN_FLIGHT, queueMax = BATCH_QUEUE_MAX, meter } = options;
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  meter?.watchQueue(() => queue.length);

  function pump(): void {
    scheduled = false;
    while (inFlight < inFlightMax && queue.length > 0) {
      const batch = queue.slice(0, sizeMax);
      queue = queue.slice(sizeMax);
      inFlight += 1;
      if (meter !== undefined) noteSent(meter, batch);
      void settle(options.run, batch).finally(() => {
        inFlight -= 1;
        meter?.settled();
        pump();
      });
    }
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (queue.length >= queueMax) {
        reject(new DatabaseUnavailable(`${queueMax} requests are waiting already`, { reason: "queue_full" }));
        return;
      }
      queue.push({ item, sinceMs: meter?.now() ?? 0, resolve, reject });
      if (scheduled) return;
      // The next turn of the loop, so that requests read from their sockets in this turn travel together.
      scheduled = true;
      setImmediate(pump);
    });
}

function noteSent(meter: BatchMeter, batch: readonly { readonly sinceMs: number }[]): void {
  meter.sent(batch.length);
  for (const { sinceMs } of batch) meter.waited(sinceMs);
}

async function settle<Item, Result>(
  run: BatchOptions<Item, Result>["run"],
  batch: readonly Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await resend(
      run,
      batch.map((waiting) => waiting.item),
    );
    if (results.length !== batch.length) throw new Error("a batch answered another number of rows than it was asked");
    for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
  } catch (error) {
    if (batch.length > 1 && isDataError(error)) {
      for (const waiting of batch) await settle(run, [waiting]);
      return;
    }
    for (const waiting of batch) waiting.reject(error);
  }
}

async function resend<Item, Result>(
  run: BatchOptions<Item, Result>["run"],
  items: readonly Item[],
): Promise<readonly Result[]> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await run(items);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || !error.mayHaveCommitted || attempt === RESENDS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, RESEND_DELAY_MS * 2 ** attempt));
    }
  }
}
