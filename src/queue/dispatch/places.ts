import type { Redis } from "ioredis";
import type { QueueKeys } from "../keys.ts";
import { findWorkers, type WorkerDescription } from "../worker/worker-registry.ts";
import { capacityOf, demandOf, fits, takesAll } from "./capacity.ts";
import type { Ahead } from "./dispatch.ts";
import { waitSeconds } from "./wait-seconds.ts";

/** Workers tell how they are every four seconds. */
const WORKERS_KNOWN_MS = 1_000;

/** Where a job stands that waits. */
export interface Place {
  /** Jobs that will be taken before it. */
  position: number;
  /** Seconds until it is taken, as far as can be told; null where no worker can paint. */
  eta_seconds: number | null;
  /** What it waits for: its turn; that any worker can paint; that one comes which takes a job like it. */
  waiting_for: "turn" | "worker" | "fitting_worker";
}

/** Tells where jobs stand, by what is ahead of them and by the workers as they were a moment ago. */
export class Places {
  private known: { at: number; workers: Promise<WorkerDescription[]> } | null = null;

  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
  ) {}

  /** The place of a job with so much ahead of it, or null where it does not wait. */
  async of(id: string, { position, work }: Ahead): Promise<Place | null> {
    if (position === null) return null;
    const workers = await this.workers();
    const fitting = await this.fitting(id, workers);
    const waiting_for =
      fitting.length > 0 ? "turn" : workers.some(({ ready }) => ready) ? "fitting_worker" : "worker";
    return { position, eta_seconds: waitSeconds(position, work, fitting), waiting_for };
  }

  /** Those of the workers that can paint and take the job. */
  private async fitting(id: string, workers: WorkerDescription[]): Promise<WorkerDescription[]> {
    const ready = workers.filter((worker) => worker.ready);
    if (ready.every((worker) => takesAll(capacityOf(worker)))) return ready;
    const demand = await demandOf(this.redis, this.keys, id);
    return demand ? ready.filter((worker) => fits(demand, capacityOf(worker))) : ready;
  }

  private workers(): Promise<WorkerDescription[]> {
    const now = Date.now();
    if (this.known && now - this.known.at < WORKERS_KNOWN_MS) return this.known.workers;
    const workers = findWorkers(this.redis, this.keys);
    this.known = { at: now, workers };
    workers.catch(() => {
      this.known = null;
    });
    return workers;
  }
}
