import DataLoader from "dataloader";
import type { Redis } from "ioredis";
import { LRUCache } from "lru-cache";
import type { RedisKeys } from "../redis/keys.ts";
import { type QueuePosition, queuePosition } from "./queue-position.ts";
import type { JobRecord } from "./records/job-record.ts";
import type { RecordStore } from "./records/record-store.ts";
import type { JobScheduler } from "./scheduling/job-scheduler.ts";
import { findWorkers, type WorkerDescription } from "./scheduling/worker-registry.ts";

/** A script that looks up more jobs than this would block Redis. */
const BATCH = 50;
const CACHED_RECORDS = 2_000;
/** Workers send a heartbeat every four seconds. */
const WORKERS_TTL_MS = 1_000;

/** A job at one moment. */
export interface JobSnapshot {
  /** Shared with other readers: do not change it. */
  record: JobRecord;
  /** null if the job is not queued. */
  position: QueuePosition | null;
}

/** Reads jobs for clients that poll: reads at the same time share one script call, and unchanged records are not read again. */
export class JobSnapshotLoader {
  private readonly loader = new DataLoader<string, JobSnapshot | null>((ids) => this.readAll(ids), {
    cache: false,
    maxBatchSize: BATCH,
    batchScheduleFn: setImmediate,
  });
  /** By id. A record counts only as long as the job has the same revision. */
  private readonly records = new LRUCache<string, JobRecord>({ max: CACHED_RECORDS });
  private readonly workers = new LRUCache<"ready", WorkerDescription[]>({
    max: 1,
    ttl: WORKERS_TTL_MS,
    fetchMethod: async () => (await findWorkers(this.redis, this.keys)).filter(({ ready }) => ready),
  });

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly store: RecordStore,
    private readonly scheduler: JobScheduler,
  ) {}

  /** Returns null if there is no such job. */
  read(id: string): Promise<JobSnapshot | null> {
    return this.loader.load(id);
  }

  private async readAll(ids: readonly string[]): Promise<(JobSnapshot | null | Error)[]> {
    const backlogs = await this.scheduler.readQueuePositions(ids);
    const isAnyQueued = backlogs.some(({ position }) => position !== null);
    const workers = isAnyQueued ? ((await this.workers.fetch("ready")) ?? []) : [];
    return await Promise.all(
      backlogs.map(async (backlog, index) => {
        // An error of one job is its reader's alone.
        const record = await this.findRecord(ids[index] ?? "", backlog.revision).catch(
          (error: Error) => error,
        );
        if (record instanceof Error) return record;
        return record && { record, position: queuePosition(record, backlog, workers) };
      }),
    );
  }

  private async findRecord(id: string, revision: number): Promise<JobRecord | null> {
    if (revision === 0) return null;
    const cached = this.records.get(id);
    if (cached?.revision === revision) return cached;
    const record = await this.store.find(id);
    if (record) this.records.set(id, record);
    return record;
  }
}
