import { setTimeout as sleep } from "node:timers/promises";
import { grown, type Handles, handlesOf } from "../support/process-resources.ts";
import type { Member } from "./members.ts";

/** Time for what is being closed to close. */
const SETTLE_MS = 20_000;

/** Watches the open handles of the members that live through the whole soak. Gives how many more these are when asked. */
export async function watchHandles(
  members: Member[],
  log: (line: string) => void,
): Promise<() => Promise<number>> {
  const pids = members.filter(({ veteran }) => veteran).map(({ program }) => program.pid);
  const before = await Promise.all(pids.map((pid) => settled(pid)));
  return async () => {
    const after = await Promise.all(pids.map((pid, index) => settled(pid, before[index])));
    pids.forEach((pid, index) => {
      log(`handles of ${pid}: ${JSON.stringify(before[index])}, then ${JSON.stringify(after[index])}`);
    });
    return after.reduce((sum, now, index) => sum + grown(before[index] ?? {}, now), 0);
  };
}

/** A process' open handles when no more of them close; where it is known how many there were, when it has so few again. */
async function settled(pid: number, before?: Handles): Promise<Handles> {
  const deadline = performance.now() + SETTLE_MS;
  let handles = await handlesOf(pid);
  while (performance.now() < deadline) {
    await sleep(before ? 500 : 6_000);
    const now = await handlesOf(pid);
    if (before ? grown(before, now) === 0 : grown(now, handles) === 0 && grown(handles, now) === 0)
      return now;
    handles = now;
  }
  return handles;
}
