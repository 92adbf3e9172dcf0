/**
 * Runs `action` for each item, and adds up what it returns. An item that fails does not keep the others from their turn: the first
 * error is thrown at the end.
 */
export async function sumOverEach<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  action: (item: Item) => Promise<number>,
): Promise<number> {
  let sum = 0;
  let failure: { error: unknown } | null = null;
  for await (const item of items) {
    try {
      sum += await action(item);
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return sum;
}
