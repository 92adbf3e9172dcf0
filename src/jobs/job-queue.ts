import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Redis } from "ioredis";
import type { JobStatus } from "../contract/job.ts";
import { applyOptionsUpdate, type OptionsUpdate } from "../contract/options.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { finishJob } from "./finish-job.ts";
import { checkLimits, throwIfRejected } from "./job-limits.ts";
import { type JobSnapshot, JobSnapshotLoader } from "./job-snapshot-loader.ts";
import { PictureRegistry } from "./pictures/picture-registry.ts";
import type { QueuePosition } from "./queue-position.ts";
import { QueueStatistics } from "./queue-statistics.ts";
import { type JobChange, JobChangeSubscriber } from "./records/job-change-subscriber.ts";
import { isDue, type JobRecord } from "./records/job-record.ts";
import { isFinal, TRANSITIONS } from "./records/job-states.ts";
import { newRecord, type Submission } from "./records/new-record.ts";
import { type JobLimits, type ListQuery, RecordStore } from "./records/record-store.ts";
import { JobScheduler } from "./scheduling/job-scheduler.ts";

const RETRYABLE: readonly JobStatus[] = TRANSITIONS.retry.from;

interface QueueSettings {
  /** How many jobs may be queued at once. */
  queuedJobs?: number;
  /** How many of them may belong to one owner. */
  queuedJobsPerOwner?: number;
  /** How many jobs an owner may have in all states together. */
  jobsPerOwner?: number;
  /** How long a job is kept after its end, unless its owner said otherwise. */
  keepSeconds?: number;
}

/** The API's side of the queue: submit, read, change and watch jobs. While Redis is unavailable every method rejects. */
export class JobQueue {
  readonly records: RecordStore;
  readonly scheduler: JobScheduler;
  readonly pictures: PictureRegistry;
  readonly statistics: QueueStatistics;
  private acceptedCount = 0;
  private readonly reader: JobSnapshotLoader;
  private readonly changes: JobChangeSubscriber;
  private readonly limits: JobLimits;

  /** @param redis a connection from `connectForRequests`; `close` closes it */
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    settings: QueueSettings = {},
  ) {
    this.limits = {
      queued: settings.queuedJobs ?? Number.MAX_SAFE_INTEGER,
      ownerQueued: settings.queuedJobsPerOwner ?? Number.MAX_SAFE_INTEGER,
      ownerJobs: settings.jobsPerOwner ?? Number.MAX_SAFE_INTEGER,
    };
    this.records = new RecordStore(redis, keys, settings.keepSeconds);
    this.scheduler = new JobScheduler(redis, keys);
    this.pictures = new PictureRegistry(redis, keys);
    this.statistics = new QueueStatistics(redis, keys, this.records, this.scheduler);
    this.reader = new JobSnapshotLoader(redis, keys, this.records, this.scheduler);
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChangeSubscriber(subscriber, keys);
  }

  /** How many jobs this process has accepted. */
  get accepted(): number {
    return this.acceptedCount;
  }

  /** Throws `QueueFullError` or `QuotaExceededError` if a limit is reached already. Only `submit` reserves anything. */
  checkLimits(owner: string, jobs = 1): Promise<void> {
    return checkLimits(this.redis, this.keys, this.limits, owner, jobs);
  }

  /** Queues a job. Throws as `checkLimits` does, or a `PictureMissingError`. Submitting an id again changes nothing and returns the first record. */
  async submit(submission: Submission): Promise<JobRecord> {
    const expires = submission.expires_in !== undefined;
    const record = newRecord(submission, expires ? await this.records.now() : undefined);
    const creation = await this.records.create(record, this.limits);
    throwIfRejected(creation, this.limits);
    // The job is accepted now. If the scheduler cannot be reached, maintenance requeues the job.
    if (creation === "created") this.acceptedCount += 1;
    await this.scheduler.add(record).catch(() => undefined);
    return creation === "created" ? record : ((await this.records.find(record.id)) ?? record);
  }

  find(id: string): Promise<JobRecord | null> {
    return this.records.find(id);
  }

  /** A job and its queue position, for clients that poll: requests at the same time share one exchange with Redis. */
  getSnapshot(id: string): Promise<JobSnapshot | null> {
    return this.reader.read(id);
  }

  /** Returns null if the job is not queued. O(log n). */
  async getPosition({ id, status }: Pick<JobRecord, "id" | "status">): Promise<QueuePosition | null> {
    return status === "queued" ? ((await this.reader.read(id))?.position ?? null) : null;
  }

  /** Cancels a job and returns its record. A job that had already ended stays as it was. */
  async cancel(id: string): Promise<JobRecord | null> {
    const ended = { finished_at: new Date().toISOString(), attempt_id: null, checkpoint: null };
    const canceled = await this.records.transition(id, "cancel", ended);
    const record = await this.records.find(id);
    if (canceled && record) await this.scheduler.remove(record).catch(() => undefined);
    return record;
  }

  /** Lets a job end with what it has: see `finishJob`. */
  finish(id: string): Promise<JobRecord | null> {
    return finishJob(this.records, id);
  }

  /** Changes options of a job, unless it has ended. */
  async updateOptions(id: string, update: OptionsUpdate): Promise<JobRecord | null> {
    for (;;) {
      const record = await this.records.find(id);
      if (!record || isFinal(record.status)) return record;
      const fields = {
        options: applyOptionsUpdate(record.options, update),
        options_version: record.options_version + 1,
      };
      if (await this.records.updateOptions(id, fields, record.revision))
        return { ...record, ...fields, revision: record.revision + 1 };
    }
  }

  /** Queues a failed or canceled job again. Jobs in other states stay as they are. Throws as `checkLimits` does. */
  async retry(id: string): Promise<JobRecord | null> {
    const reset = {
      ...{ expires_at: null, started_at: null, finished_at: null },
      ...{ attempts: 0, error: null, progress: null, checkpoint: null, finish_requested: null },
    };
    for (;;) {
      const record = await this.records.find(id);
      if (!record || !RETRYABLE.includes(record.status)) return record;
      if (isDue(record, await this.records.now())) return record;
      // Maintenance may be about to delete its pictures: the retry counts only if nothing has changed since.
      const change = await this.records.retry(id, reset, { revision: record.revision }, this.limits);
      throwIfRejected(change, this.limits);
      if (change !== "changed") continue;
      const queued = await this.records.find(id);
      if (queued) await this.scheduler.add(queued).catch(() => undefined);
      return queued;
    }
  }

  /** Cancels a job if it has not ended, and deletes its record. Returns the record, so that its blobs can be deleted. */
  async delete(id: string): Promise<JobRecord | null> {
    const record = await this.cancel(id);
    if (!record || !isFinal(record.status)) return null;
    return await this.records.remove(id);
  }

  /** Newest first. */
  list(query: ListQuery): Promise<JobRecord[]> {
    return this.records.list(query);
  }

  /** Calls `listener` at every change of the job, until the returned function is called. */
  watch(id: string, listener: (change: JobChange) => void): Promise<() => Promise<void>> {
    return this.changes.watch(id, listener);
  }

  /** Resolves if Redis accepts writes. */
  async ping(): Promise<void> {
    await this.redis.set(this.keys.writeProbe, "", "EX", 60);
  }

  /** BullMQ's own queue for bull-board, read-only. */
  get bullBoard(): BullMQAdapter {
    return this.scheduler.bullBoard;
  }

  async close(): Promise<void> {
    this.changes.close();
    await this.scheduler.close();
    this.redis.disconnect();
  }
}
