import type { JobRecord } from "./records/job-record.ts";
import type { Backlog } from "./scheduling/job-scheduler.ts";
import { capacityOf, fits, takesAll } from "./scheduling/requirements.ts";
import { waitSeconds } from "./scheduling/wait-seconds.ts";
import type { WorkerDescription } from "./scheduling/worker-registry.ts";

/** Where a queued job stands. */
export interface QueuePosition {
  /** How many jobs are ahead of it. */
  position: number;
  /** Estimated seconds until a worker takes it; null if no worker can. */
  eta_seconds: number | null;
  /** `turn`: other jobs are ahead; `worker`: no worker is ready; `fitting_worker`: the job is too large for those that are. */
  waiting_for: "turn" | "worker" | "fitting_worker";
}

/** The position of a job behind `backlog`, given the workers that are ready; null if the job is not queued. */
export function queuePosition(
  record: JobRecord,
  { position, work }: Backlog,
  ready: WorkerDescription[],
): QueuePosition | null {
  if (record.status !== "queued" || position === null) return null;
  const fitting = ready.filter((worker) => takes(worker, record));
  const waiting_for = fitting.length > 0 ? "turn" : ready.length > 0 ? "fitting_worker" : "worker";
  return { position, eta_seconds: waitSeconds(position, work, fitting), waiting_for };
}

function takes(worker: WorkerDescription, { options }: JobRecord): boolean {
  const capacity = capacityOf(worker);
  return takesAll(capacity) || fits(options, capacity);
}
