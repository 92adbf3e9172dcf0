import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when the condition holds; throws where it does not come to that in time. */
export async function until(condition: () => Promise<boolean> | boolean, ms = 30_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`It did not come to that within ${ms} ms: ${condition}`);
    await sleep(10);
  }
}
