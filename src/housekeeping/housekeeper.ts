import { setTimeout as sleep } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { Logger } from "../logging.ts";
import { QueueUnavailableError } from "../queue/job-queue.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { type BlobStore, StorageFullError, StorageUnavailableError } from "../storage/blob-store.ts";
import { expireJobs } from "./expiry.ts";
import { failJobsWithoutPictures } from "./missing-pictures.ts";
import { deleteOrphans } from "./orphans.ts";
import { sweepScratch, sweepSpool } from "./temporary-folders.ts";

const EXPIRY_PAUSE_MS = 10_000;
const REDISPATCH_PAUSE_MS = 60_000;
const LEFTOVERS_PAUSE_MS = 3600_000;

export type HousekeepingSettings = Pick<Config, "spoolDirectory" | "scratchDirectory">;

/** Sweeps at its start and now and then: each process of the service may have one, they do not disturb each other. */
export class Housekeeper {
  private readonly stopped = new AbortController();
  private readonly loops: Promise<void>[] = [];

  constructor(
    private readonly queue: RedisJobQueue,
    private readonly store: BlobStore,
    private readonly settings: HousekeepingSettings,
    private readonly logger: Logger,
  ) {}

  start(): void {
    const { queue, store } = this;
    this.loops.push(
      this.repeat("jobs dispatched that BullMQ did not know", REDISPATCH_PAUSE_MS, () =>
        queue.upkeep.redispatch(),
      ),
      this.repeat("jobs expired or forgotten", EXPIRY_PAUSE_MS, async () => {
        const { expired, forgotten } = await expireJobs(queue, store);
        return expired + forgotten;
      }),
      this.repeat("leftovers removed", LEFTOVERS_PAUSE_MS, () => this.sweepLeftovers()),
    );
  }

  /** Whatever a process left that died: in the blob store, in the queue, and on this machine's disk. */
  async sweepLeftovers(): Promise<number> {
    const { spoolDirectory, scratchDirectory } = this.settings;
    const counts = [
      await deleteOrphans(this.queue, this.store),
      await failJobsWithoutPictures(this.queue, this.store),
      await sweepSpool(spoolDirectory),
      await sweepScratch(scratchDirectory, this.queue),
    ];
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Resolves when no sweep is under way any more. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.loops);
  }

  private async repeat(what: string, pauseMs: number, sweep: () => Promise<number>): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        const count = await sweep();
        if (count > 0) this.logger.info({ count }, what);
      } catch (error) {
        // Redis, which is told of elsewhere, or the store is away: the next time will do.
        if (error instanceof QueueUnavailableError) this.logger.debug({ reason: error.message }, "sweep");
        else if (isAway(error)) this.logger.warn(`a sweep did not come to its end: ${error.message}`);
        else this.logger.error({ err: error }, "sweep");
      }
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

const isAway = (error: unknown): error is Error =>
  error instanceof StorageUnavailableError || error instanceof StorageFullError;
