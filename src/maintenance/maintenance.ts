import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { JobScheduler } from "../jobs/scheduling/job-scheduler.ts";
import type { Logger } from "../logging.ts";
import { isRedisUnavailable } from "../redis/errors.ts";
import { type BlobStore, StorageFullError, StorageUnavailableError } from "../storage/blob-store.ts";
import { expireJobs } from "./expire-jobs.ts";
import { deleteOrphans } from "./orphans.ts";
import { requeueLostJobs } from "./requeue-lost.ts";
import { deleteOldUploads, deleteStaleScratch } from "./temporary-folders.ts";

const EXPIRE_INTERVAL_MS = 10_000;
const REQUEUE_INTERVAL_MS = 60_000;
const CLEANUP_INTERVAL_MS = 3600_000;

interface MaintenanceDeps {
  config: Pick<Config, "spoolDirectory" | "scratchDirectory">;
  records: RecordStore;
  scheduler: JobScheduler;
  pictures: PictureRegistry;
  store: BlobStore;
  logger: Logger;
}

/** Background tasks, each at start and then at an interval. Every API and worker process runs them; they do not conflict. */
export class Maintenance {
  private readonly stopped = new AbortController();
  private readonly tasks: Promise<void>[] = [];

  constructor(private readonly deps: MaintenanceDeps) {}

  start(): void {
    const { deps } = this;
    this.tasks.push(
      this.repeat("requeued lost jobs", REQUEUE_INTERVAL_MS, () => requeueLostJobs(deps)),
      this.repeat("expired or deleted jobs", EXPIRE_INTERVAL_MS, async () => {
        const { expired, deleted } = await expireJobs(deps, deps.store);
        return expired + deleted;
      }),
      this.repeat("deleted orphaned files", CLEANUP_INTERVAL_MS, () => this.cleanUp()),
    );
  }

  /** Deletes what dead processes left in the blob store and on this machine's disk. Returns how many things it deleted. */
  async cleanUp(): Promise<number> {
    const { records, store, config } = this.deps;
    const blobs = await deleteOrphans(this.deps, store);
    const uploads = await deleteOldUploads(config.spoolDirectory);
    const folders = await deleteStaleScratch(config.scratchDirectory, records);
    return blobs + uploads + folders;
  }

  /** Resolves when the tasks under way have ended. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.tasks);
  }

  private async repeat(done: string, intervalMs: number, task: () => Promise<number>): Promise<void> {
    const { logger } = this.deps;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        const count = await task();
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
