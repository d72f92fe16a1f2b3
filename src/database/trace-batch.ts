import type { Span, Tracing } from "../platform/tracing.ts";
import type { BatchOptions, Submit } from "./batch.ts";

interface Traced<Item> {
  readonly item: Item;
  readonly span: Span;
}

type Create = <Item, Result>(options: BatchOptions<Item, Result>) => Submit<Item, Result>;

/** A batcher whose every item is a span of its request, from the line to the answer; the statement is a part of all of them. */
export function traceBatcher<Item, Result>(
  tracing: Tracing,
  options: BatchOptions<Item, Result>,
  create: Create,
): Submit<Item, Result> {
  const submit = create<Traced<Item>, Result>({
    ...options,
    run: (batch, isRepeat) => {
      for (const { span } of batch) span.set({ "mayfly.batch.size": batch.length });
      return tracing.within(
        batch.map(({ span }) => span),
        () =>
          options.run(
            batch.map(({ item }) => item),
            isRepeat,
          ),
      );
    },
  });
  const name = `batch ${options.meter?.batch ?? ""}`;
  return async (item) => {
    const span = tracing.start(name);
    try {
      const result = await submit({ item, span });
      span.end();
      return result;
    } catch (error) {
      span.end(error instanceof Error ? error.name : "unknown");
      throw error;
    }
  };
}
