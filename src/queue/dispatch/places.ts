import type { JobRecord } from "../records/job-record.ts";
import type { WorkerDescription } from "../worker/worker-registry.ts";
import { capacityOf, type Demand, fits, takesAll } from "./capacity.ts";
import type { Ahead } from "./dispatch.ts";
import { waitSeconds } from "./wait-seconds.ts";

/** Where a job stands that waits. */
export interface Place {
  /** Jobs that will be taken before it. */
  position: number;
  /** Seconds until it is taken, as far as can be told; null where no worker can paint. */
  eta_seconds: number | null;
  /** What it waits for: its turn; that any worker can paint; that one comes which takes a job like it. */
  waiting_for: "turn" | "worker" | "fitting_worker";
}

/** The place of a job with so much ahead of it, by the workers that can paint; null where it does not wait. */
export function placeOf(
  record: JobRecord,
  { position, work }: Ahead,
  ready: WorkerDescription[],
): Place | null {
  if (record.status !== "queued" || position === null) return null;
  const fitting = ready.filter((worker) => takes(worker, record));
  const waiting_for = fitting.length > 0 ? "turn" : ready.length > 0 ? "fitting_worker" : "worker";
  return { position, eta_seconds: waitSeconds(position, work, fitting), waiting_for };
}

const demandOf = ({ options }: JobRecord): Demand => ({
  size: options.size,
});

function takes(worker: WorkerDescription, record: JobRecord): boolean {
  const capacity = capacityOf(worker);
  return takesAll(capacity) || fits(demandOf(record), capacity);
}
