import { processTimers, type Timers } from "../platform/timers.ts";
import { DatabaseUnavailable, isDataError } from "./database-error.ts";
import type { BatchMeter } from "./meter.ts";
import { traceBatcher } from "./trace-batch.ts";

/** How requests that arrive together share one statement. */
export interface BatchOptions<Item, Result> {
  /**
   * Answers the items in one transaction: one result per item, in their order. When `isRepeat`, the same items were sent before and
   * their connection was lost: it must recognise its own work.
   */
  readonly run: (items: readonly Item[], isRepeat: boolean) => Promise<readonly Result[]>;
  readonly sizeMax?: number;
  readonly inFlightMax?: number;
  readonly queueMax?: number;
  readonly meter?: BatchMeter;
  readonly timers?: Timers;
}

/** Submits one item and resolves with its result when that is durable. */
export type Submit<Item, Result> = (item: Item) => Promise<Result>;

export const BATCH_SIZE_MAX = 64;
const BATCHES_IN_FLIGHT = 2;
const BATCH_QUEUE_MAX = 4_096;
/** Who has waited so long to be sent is refused instead: his client is about to give up, and others wait behind him. */
export const BATCH_WAIT_MS_MAX = 2_000;
/**
 * So long after it was first sent a batch may be sent again: long enough for a server that starts anew, because whoever asked
 * cannot ask again for what may be spent already.
 */
export const RESEND_MS_MAX = 3_000;
const RESEND_DELAY_MS = 25;
const RESEND_DELAY_MS_MAX = 400;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly sinceMs: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What sending needs to know. */
interface Sender<Item, Result> {
  readonly run: BatchOptions<Item, Result>["run"];
  readonly timers: Timers;
}

/**
 * Groups single requests into batches (settled 4). Its laws: a request joins only a batch that has not been sent; a batch
 * that fails for its data is retried row by row, so that a bad row harms its own request only; after a lost connection the
 * same items are sent again, until it is known what became of them or the time for that is over; no more wait than
 * `queueMax` and none longer than BATCH_WAIT_MS_MAX, after that the answer is DatabaseUnavailable and nothing was sent.
 *
 * @returns a function that submits one item and resolves with its result when that is durable
 */
export function createBatcher<Item, Result>(options: BatchOptions<Item, Result>): Submit<Item, Result> {
  const tracing = options.meter?.tracing;
  return tracing === undefined ? createPlainBatcher(options) : traceBatcher(tracing, options, createPlainBatcher);
}

function createPlainBatcher<Item, Result>(options: BatchOptions<Item, Result>): Submit<Item, Result> {
  const { sizeMax = BATCH_SIZE_MAX, inFlightMax = BATCHES_IN_FLIGHT, queueMax = BATCH_QUEUE_MAX } = options;
  const { timers = processTimers, meter } = options;
  let queue: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;
  let watched = false;
  meter?.watchQueue(() => queue.length);

  function pump(): void {
    scheduled = false;
    refuseLate();
    while (inFlight < inFlightMax && queue.length > 0) {
      const batch = queue.slice(0, sizeMax);
      queue = queue.slice(sizeMax);
      inFlight += 1;
      if (meter !== undefined) noteSent(meter, batch, timers.nowMs());
      void settle({ run: options.run, timers }, batch).finally(() => {
        inFlight -= 1;
        meter?.settled();
        pump();
      });
    }
    watch();
  }

  function refuseLate(): void {
    const bornBefore = timers.nowMs() - BATCH_WAIT_MS_MAX;
    while (queue[0] !== undefined && queue[0].sinceMs <= bornBefore) {
      queue.shift()?.reject(tooLate());
    }
  }

  // One timer at a time, for whoever waits longest: while all goes well, nobody waits when the pump has run.
  function watch(): void {
    const [first] = queue;
    if (watched || first === undefined) return;
    watched = true;
    timers.after(first.sinceMs + BATCH_WAIT_MS_MAX - timers.nowMs(), () => {
      watched = false;
      refuseLate();
      watch();
    });
  }

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      if (queue.length >= queueMax) {
        reject(new DatabaseUnavailable(`${queueMax} requests are waiting already`, { reason: "queue_full" }));
        return;
      }
      queue.push({ item, sinceMs: timers.nowMs(), resolve, reject });
      if (scheduled) return;
      // The next turn of the loop, so that requests read from their sockets in this turn travel together.
      scheduled = true;
      setImmediate(pump);
    });
}

function tooLate(): DatabaseUnavailable {
  return new DatabaseUnavailable(`not sent within ${BATCH_WAIT_MS_MAX} ms`, { reason: "queue_full" });
}

function noteSent(meter: BatchMeter, batch: readonly { readonly sinceMs: number }[], nowMs: number): void {
  meter.sent(batch.length);
  for (const { sinceMs } of batch) meter.waited(nowMs - sinceMs);
}

/** @returns what kept the batch from the database, if anything did */
async function settle<Item, Result>(
  sender: Sender<Item, Result>,
  batch: readonly Waiting<Item, Result>[],
): Promise<DatabaseUnavailable | undefined> {
  try {
    const results = await sendUntilKnown(
      sender,
      batch.map((waiting) => waiting.item),
    );
    if (results.length !== batch.length) throw new Error("a batch answered another number of rows than it was asked");
    for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result);
    return undefined;
  } catch (error) {
    if (batch.length > 1 && isDataError(error)) return settleOneByOne(sender, batch);
    for (const waiting of batch) waiting.reject(error);
    return error instanceof DatabaseUnavailable ? error : undefined;
  }
}

// Where the database goes away meanwhile, the rest is not sent: each would wait as long as the one before.
async function settleOneByOne<Item, Result>(
  sender: Sender<Item, Result>,
  batch: readonly Waiting<Item, Result>[],
): Promise<DatabaseUnavailable | undefined> {
  for (const [index, waiting] of batch.entries()) {
    const cause = await settle(sender, [waiting]);
    if (cause === undefined) continue;
    for (const rest of batch.slice(index + 1)) rest.reject(new DatabaseUnavailable(cause.message, { cause }));
    return cause;
  }
  return undefined;
}

// Once the outcome of one send is unknown, a send that surely failed tells nothing about it: only an answer does.
async function sendUntilKnown<Item, Result>(
  { run, timers }: Sender<Item, Result>,
  items: readonly Item[],
): Promise<readonly Result[]> {
  const untilMs = timers.nowMs() + RESEND_MS_MAX;
  let mayHaveCommitted = false;
  for (let delayMs = RESEND_DELAY_MS; ; delayMs = Math.min(delayMs * 2, RESEND_DELAY_MS_MAX)) {
    try {
      return await run(items, mayHaveCommitted);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error;
      mayHaveCommitted ||= error.mayHaveCommitted;
      if (!mayHaveCommitted) throw error;
      if (timers.nowMs() + delayMs > untilMs) {
        throw new DatabaseUnavailable(error.message, { cause: error, mayHaveCommitted });
      }
      await new Promise<void>((resolve) => timers.after(delayMs, resolve));
    }
  }
}
