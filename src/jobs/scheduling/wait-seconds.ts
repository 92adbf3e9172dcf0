import { DEFAULT_PACE, type WorkerDescription } from "./worker-registry.ts";

/** Jobs ahead beyond this are reckoned together: the error is less than that of any one estimate. */
const ONE_BY_ONE = 50;

/**
 * Seconds until a worker is free for a job that has `work` (see `estimateCost`) ahead of it, spread over `position` jobs of
 * like size: each goes to the worker that is free first. null where no worker takes it.
 */
export function waitSeconds(
  position: number,
  work: number,
  workers: readonly WorkerDescription[],
): number | null {
  if (workers.length === 0) return null;
  const free = workers.map(({ free_in }) => free_in ?? 0);
  const paces = workers.map(({ pace, engine }) => pace ?? DEFAULT_PACE[engine?.device ?? "cpu"]);
  const jobs = Math.min(position, ONE_BY_ONE * workers.length);
  for (let index = 0; index < jobs; index++) {
    const first = earliest(free);
    free[first] = (free[first] ?? 0) + (work / jobs) * (paces[first] ?? 0);
  }
  return rounded(free[earliest(free)] ?? 0);
}

function earliest(times: readonly number[]): number {
  let first = 0;
  for (let index = 1; index < times.length; index++) {
    if ((times[index] ?? 0) < (times[first] ?? 0)) first = index;
  }
  return first;
}

/** Upwards to two digits: a view that says no more than it knows does not change at every look. */
function rounded(seconds: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, seconds))) - 1);
  return Math.ceil(seconds / unit) * unit;
}
