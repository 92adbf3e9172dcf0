import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { Config } from "../config.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { JobScheduler } from "../jobs/scheduling/job-scheduler.ts";
import type { Logger } from "../logging.ts";
import { isRedisUnavailable } from "../redis/errors.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { withLease } from "../redis/lease.ts";
import { type BlobStore, StorageFullError, StorageUnavailableError } from "../storage/blob-store.ts";
import { expireJobs } from "./expire-jobs.ts";
import { deleteOrphans } from "./orphans.ts";
import { requeueLostJobs } from "./requeue-lost.ts";
import { deleteOldUploads, deleteStaleScratch } from "./temporary-folders.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export interface MaintenanceDeps {
  redis: Redis;
  keys: RedisKeys;
  config: Pick<Config, "spoolDirectory" | "scratchDirectory">;
  records: RecordStore;
  scheduler: JobScheduler;
  pictures: PictureRegistry;
  store: BlobStore;
  logger: Logger;
}

/** A background task. */
interface Task {
  /** What it has done, for the log. */
  done: string;
  intervalMs: number;
  /** Returns how many things it has changed. */
  run: () => Promise<number>;
}

/** The tasks; each fails by itself. */
export function maintenanceTasks(deps: MaintenanceDeps): Task[] {
  const { redis, keys, records, store, config } = deps;
  const expire = async () => {
    const { expired, deleted } = await expireJobs(deps, store);
    return expired + deleted;
  };
  // It lists the whole store, so one process does it for all.
  const sweep = () => withLease(redis, keys.lease("orphans"), HOUR / 2, () => deleteOrphans(deps, store));
  return [
    { done: "requeued lost jobs", intervalMs: MINUTE, run: () => requeueLostJobs(deps) },
    { done: "expired or deleted jobs", intervalMs: 10 * SECOND, run: expire },
    { done: "deleted orphaned files", intervalMs: HOUR, run: async () => (await sweep()) ?? 0 },
    { done: "deleted old uploads", intervalMs: HOUR, run: () => deleteOldUploads(config.spoolDirectory) },
    {
      done: "deleted scratch folders of ended attempts",
      intervalMs: HOUR,
      run: () => deleteStaleScratch(config.scratchDirectory, records),
    },
  ];
}

/** Background tasks, each at start and then at an interval. Every API and worker process runs them; they do not conflict. */
export class Maintenance {
  private readonly stopped = new AbortController();
  private running: Promise<void>[] = [];

  constructor(private readonly deps: MaintenanceDeps) {}

  start(): void {
    this.running = maintenanceTasks(this.deps).map((task) => this.repeat(task));
  }

  /** Resolves when the tasks under way have ended. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.running);
  }

  private async repeat({ done, intervalMs, run }: Task): Promise<void> {
    const { logger } = this.deps;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        const count = await run();
        if (count > 0) logger.info({ count }, done);
      } catch (error) {
        // logRedisConnection reports a Redis outage; the next run makes up for this one.
        if (isRedisUnavailable(error)) logger.debug({ err: error }, "maintenance skipped");
        else if (isStorageError(error)) logger.warn(`maintenance interrupted: ${error.message}`);
        else logger.error({ err: error }, "maintenance failed");
      }
      await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

const isStorageError = (error: unknown): error is Error =>
  error instanceof StorageUnavailableError || error instanceof StorageFullError;
