import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * Cores that this process may use: those it may run on, or fewer where a control group (a container) gets less time.
 * A pool with a thread for each core of a large machine, in a container that gets two, would be stopped most of the time.
 */
export function usableCores(groups = "/sys/fs/cgroup"): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota(groups))));
}

/** Cores' worth of time that the control group gives, of version 2 or 1; Infinity where it sets no limit. */
function quota(groups: string): number {
  const [limit, period] = read(`${groups}/cpu.max`)?.split(" ") ?? [
    read(`${groups}/cpu/cpu.cfs_quota_us`),
    read(`${groups}/cpu/cpu.cfs_period_us`),
  ];
  const cores = Number(limit) / Number(period);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
