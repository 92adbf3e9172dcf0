import { COARSER_STEPS, type Options } from "../../contract/options.ts";

// A job's cost is thousands of pixels times steps: an estimate that compares jobs. Workers measure how many seconds they need
// for one unit of it, so costs turn into waiting times.

/** Each scale's edges are half of the next scale's. */
const COARSER_PIXELS = 1 / 4;
/** Assumed for pictures of unknown shape: 4 to 3. */
const ASPECT_RATIO = 3 / 4;
/** Assumed for a worker that has not painted yet: measured on two cores, and on a card of the same class. */
const DEFAULT_SECONDS_PER_COST = { cpu: 0.006, gpu: 0.0001 } as const;
/** The jobs ahead are assigned to workers in at most so many portions per worker; that error is below the estimates' own. */
const PORTIONS_PER_WORKER = 50;

/** Estimates what it costs to paint a job. `pixels` is the result's width · height. */
export function estimateCost(
  { size, steps, scales }: Pick<Options, "size" | "steps" | "scales">,
  pixels = size * size * ASPECT_RATIO,
): number {
  let shares = 0;
  let cost = 0;
  for (let coarser = 0; coarser < scales; coarser++) {
    shares += COARSER_STEPS ** coarser;
    cost += COARSER_STEPS ** coarser * COARSER_PIXELS ** coarser;
  }
  return Math.max(1, Math.round((steps * pixels * cost) / shares / 1000));
}

interface WorkerSpeed {
  engine: { device: "cpu" | "gpu" } | null;
  /** Seconds for one unit of cost; null if not measured yet. */
  seconds_per_cost: number | null;
  /** Seconds until it can take a job; null if unknown. */
  free_in_seconds: number | null;
}

/**
 * Estimates the seconds until one of the workers takes a job that has `jobsAhead` of about the same cost ahead of it, `costAhead`
 * in total: each goes to the worker that is free first. null without workers.
 */
export function estimateWait(
  jobsAhead: number,
  costAhead: number,
  workers: readonly WorkerSpeed[],
): number | null {
  if (workers.length === 0) return null;
  const freeIn = workers.map(({ free_in_seconds }) => free_in_seconds ?? 0);
  const speeds = workers.map(({ seconds_per_cost, engine }) => {
    return seconds_per_cost ?? DEFAULT_SECONDS_PER_COST[engine?.device ?? "cpu"];
  });
  const portions = Math.min(jobsAhead, PORTIONS_PER_WORKER * workers.length);
  for (let portion = 0; portion < portions; portion++) {
    const first = freeIn.indexOf(Math.min(...freeIn));
    freeIn[first] = (freeIn[first] ?? 0) + (costAhead / portions) * (speeds[first] ?? 0);
  }
  return roundUp(Math.min(...freeIn));
}

/** Rounds up to two digits, so that a view does not change at every poll. */
function roundUp(seconds: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, seconds))) - 1);
  return Math.ceil(seconds / unit) * unit;
}
