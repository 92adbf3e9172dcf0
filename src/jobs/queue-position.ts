import { estimateWait } from "./records/cost-model.ts";
import type { JobRecord } from "./records/job-record.ts";
import type { Backlog } from "./scheduling/job-scheduler.ts";
import { fits } from "./scheduling/worker-fit.ts";
import type { WorkerDescription } from "./scheduling/worker-registry.ts";

/** Where a queued job stands. */
export interface QueuePosition {
  /** How many jobs are ahead of it. */
  position: number;
  /** Estimated seconds until a worker takes it; null if no worker can. */
  eta_seconds: number | null;
  /** `earlier_jobs`: other jobs are ahead; `worker`: no worker is ready; `larger_worker`: the job is too large for those that are. */
  waiting_for: "earlier_jobs" | "worker" | "larger_worker";
}

/** The position of a job behind `backlog`, given the workers that are ready; null if the job is not queued. */
export function queuePosition(
  record: JobRecord,
  { position, cost }: Backlog,
  ready: WorkerDescription[],
): QueuePosition | null {
  if (record.status !== "queued" || position === null) return null;
  const fitting = ready.filter((worker) => fits(record, worker));
  const waiting_for = fitting.length > 0 ? "earlier_jobs" : ready.length > 0 ? "larger_worker" : "worker";
  return { position, eta_seconds: estimateWait(position, cost, fitting), waiting_for };
}
