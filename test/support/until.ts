import { setTimeout as sleep } from "node:timers/promises";

/** What `until` can give: anything but what stands for "not yet". */
type Found<T> = Exclude<T, false | null | undefined | 0 | "">;

/** Polls until the condition gives something truthy, and gives that. Throws if it does not within `ms`. */
export async function until<T>(condition: () => Promise<T> | T, ms = 30_000): Promise<Found<T>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await condition();
    if (found) return found as Found<T>;
    if (Date.now() > deadline) throw new Error(`Not true within ${ms} ms: ${condition}`);
    await sleep(20);
  }
}
