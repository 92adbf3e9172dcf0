import { setTimeout as sleep } from "node:timers/promises";
import { countAdded, type Handles, openHandles } from "../support/process-resources.ts";
import type { ServiceProcess } from "./service-processes.ts";

/** Time in which a process closes what it no longer needs. */
const SETTLE_MS = 20_000;

/** Counts the open handles of the long-lived processes. The result gives how many more they are when called. */
export async function watchHandles(
  members: ServiceProcess[],
  log: (line: string) => void,
): Promise<() => Promise<number>> {
  const pids = members.filter(({ longLived }) => longLived).map(({ program }) => program.pid);
  const before = await Promise.all(pids.map((pid) => settled(pid)));
  return async () => {
    const after = await Promise.all(pids.map((pid, index) => settled(pid, before[index])));
    pids.forEach((pid, index) => {
      log(`handles of ${pid}: ${JSON.stringify(before[index])}, then ${JSON.stringify(after[index])}`);
    });
    return after.reduce((sum, now, index) => sum + countAdded(before[index] ?? {}, now), 0);
  };
}

/** A process's open handles when their number is stable or, given an earlier count, back to that. */
async function settled(pid: number, before?: Handles): Promise<Handles> {
  const deadline = performance.now() + SETTLE_MS;
  let handles = await openHandles(pid);
  while (performance.now() < deadline) {
    await sleep(before ? 500 : 6_000);
    const now = await openHandles(pid);
    if (
      before
        ? countAdded(before, now) === 0
        : countAdded(now, handles) === 0 && countAdded(handles, now) === 0
    )
      return now;
    handles = now;
  }
  return handles;
}
