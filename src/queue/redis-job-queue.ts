import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Redis } from "ioredis";
import type { JobStatus } from "../contract/job.ts";
import { applySteering, type Steering } from "../contract/options.ts";
import { available } from "./available.ts";
import { capacityOf, unfitJobs } from "./dispatch/capacity.ts";
import { Dispatch } from "./dispatch/dispatch.ts";
import type { Place } from "./dispatch/places.ts";
import {
  type JobChange,
  type JobQueue,
  type ListQuery,
  QueueFullError,
  QuotaExceededError,
  type Submission,
} from "./job-queue.ts";
import type { QueueKeys } from "./keys.ts";
import { Looks, type Seen } from "./looks.ts";
import { JobChanges } from "./records/changes.ts";
import { isDue, type JobRecord } from "./records/job-record.ts";
import { isFinal, TRANSITIONS } from "./records/job-states.ts";
import { newRecord } from "./records/new-record.ts";
import { RecordStore } from "./records/record-store.ts";
import { readTallies, type Tally } from "./tallies.ts";
import { Upkeep } from "./upkeep.ts";
import { Outbox } from "./webhooks/outbox.ts";
import { type JobTimes, readJobTimes } from "./worker/job-times.ts";
import { findWorkers, type WorkerDescription } from "./worker/worker-registry.ts";

const RETRIED: readonly JobStatus[] = TRANSITIONS.retry.from;

export interface QueueSettings {
  /** Jobs that may wait at once. */
  queuedJobs?: number;
  /** Of one owner's. */
  queuedJobsOfOwner?: number;
  /** Of one owner's that may be there at all. */
  jobsOfOwner?: number;
  /** How long a job is kept after its end where its owner did not say. */
  keepSeconds?: number;
}

/** `JobQueue` on a Redis connection made by `connectForRequests`, which it closes when it is closed. */
export class RedisJobQueue implements JobQueue {
  /** For whoever keeps house. */
  readonly upkeep: Upkeep;
  private count = 0;
  private readonly records: RecordStore;
  private readonly dispatch: Dispatch;
  private readonly looks: Looks;
  private readonly changes: JobChanges;
  private readonly limit: number;
  private readonly ownerLimit: number;
  private readonly keptLimit: number;

  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
    settings: QueueSettings = {},
  ) {
    this.limit = settings.queuedJobs ?? Number.MAX_SAFE_INTEGER;
    this.ownerLimit = settings.queuedJobsOfOwner ?? Number.MAX_SAFE_INTEGER;
    this.keptLimit = settings.jobsOfOwner ?? Number.MAX_SAFE_INTEGER;
    this.records = new RecordStore(redis, keys, settings.keepSeconds);
    this.dispatch = new Dispatch(redis, keys);
    this.looks = new Looks(redis, keys, this.records, this.dispatch);
    this.upkeep = new Upkeep(this.records, this.dispatch);
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChanges(subscriber, keys);
  }

  get accepted(): number {
    return this.count;
  }

  admit(owner: string, job: "new" | "retried" = "new"): Promise<void> {
    return available(async () => {
      const [waiting, ofOwner, kept] = await Promise.all([
        this.redis.zcard(this.keys.status("queued")),
        this.redis.zcard(this.keys.owners(owner, "queued")),
        this.redis.zcard(this.keys.owners(owner, "all")),
      ]);
      if (waiting >= this.limit) throw new QueueFullError(this.limit);
      if (ofOwner >= this.ownerLimit) throw new QuotaExceededError(this.ownerLimit, "wait");
      if (job === "new" && kept >= this.keptLimit) throw new QuotaExceededError(this.keptLimit, "are kept");
    });
  }

  submit(submission: Submission): Promise<JobRecord> {
    return available(async () => {
      const expires = submission.expires_in !== undefined;
      const record = newRecord(submission, expires ? await this.records.now() : undefined);
      const answer = await this.records.create(record, this.limit, this.ownerLimit, this.keptLimit);
      if (answer === "full") throw new QueueFullError(this.limit);
      if (answer === "quota") throw new QuotaExceededError(this.ownerLimit, "wait");
      if (answer === "kept") throw new QuotaExceededError(this.keptLimit, "are kept");
      // From here on the job is accepted: should BullMQ not hear of it, the sweep tells it.
      if (answer === "created") this.count += 1;
      await this.dispatch.add(record).catch(() => undefined);
      return answer === "created" ? record : ((await this.records.find(record.id)) ?? record);
    });
  }

  find(id: string): Promise<JobRecord | null> {
    return available(() => this.records.find(id));
  }

  look(id: string): Promise<Seen | null> {
    return this.looks.at(id);
  }

  board(): BullMQAdapter {
    return this.dispatch.board;
  }

  async place({ id, status }: Pick<JobRecord, "id" | "status">): Promise<Place | null> {
    return status === "queued" ? ((await this.looks.at(id))?.place ?? null) : null;
  }

  cancel(id: string): Promise<JobRecord | null> {
    return available(async () => {
      const finished_at = new Date().toISOString();
      const canceled = await this.records.transition(id, "cancel", {
        finished_at,
        run: null,
        checkpoint: null,
      });
      const record = await this.records.find(id);
      if (canceled && record) await this.dispatch.remove(record).catch(() => undefined);
      return record;
    });
  }

  steer(id: string, steering: Steering): Promise<JobRecord | null> {
    return available(async () => {
      for (;;) {
        const record = await this.records.find(id);
        if (!record || isFinal(record.status)) return record;
        const fields = { options: applySteering(record.options, steering), steered: record.steered + 1 };
        if (await this.records.steer(id, fields, record.revision))
          return { ...record, ...fields, revision: record.revision + 1 };
      }
    });
  }

  retry(id: string): Promise<JobRecord | null> {
    return available(async () => {
      const again = {
        expires_at: null,
        attempts: 0,
        error: null,
        started_at: null,
        finished_at: null,
        progress: null,
        checkpoint: null,
      };
      for (;;) {
        const record = await this.records.find(id);
        if (!record || !RETRIED.includes(record.status)) return record;
        if (isDue(record, await this.records.now())) return record;
        // Only as it was seen: its pictures may be about to go.
        if (!(await this.records.transition(id, "retry", again, { revision: record.revision }))) continue;
        const queued = await this.records.find(id);
        if (queued) await this.dispatch.add(queued).catch(() => undefined);
        return queued;
      }
    });
  }

  async delete(id: string): Promise<JobRecord | null> {
    const record = await this.cancel(id);
    if (!record || !isFinal(record.status)) return null;
    return available(() => this.records.remove(id));
  }

  list(query: ListQuery): Promise<JobRecord[]> {
    return available(() => this.records.list(query));
  }

  counts(): Promise<Record<JobStatus, number>> {
    return available(() => this.records.counts());
  }

  oldestQueued(): Promise<Date | null> {
    return available(async () => {
      const [id] = await this.redis.zrange(this.keys.status("queued"), "0", "0");
      // A UUID v7 begins with the milliseconds of its making (RFC 9562, section 5.7).
      return id === undefined ? null : new Date(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16));
    });
  }

  jobTimes(): Promise<JobTimes[]> {
    return available(() => readJobTimes(this.redis, this.keys));
  }

  tallies(): Promise<(what: Tally) => number> {
    return available(() => readTallies(this.redis, this.keys));
  }

  oldestUntold(): Promise<Date | null> {
    return available(() => new Outbox(this.redis, this.keys).oldest());
  }

  workers(): Promise<WorkerDescription[]> {
    return available(() => findWorkers(this.redis, this.keys));
  }

  unfit(workers: WorkerDescription[]): Promise<{ count: number; largestSize: number }> {
    return available(() => unfitJobs(this.redis, this.keys, workers.map(capacityOf)));
  }

  watch(id: string, listener: (change: JobChange) => void): Promise<() => Promise<void>> {
    return available(() => this.changes.watch(id, listener));
  }

  async ping(): Promise<void> {
    await available(() => this.redis.set(this.keys.trial, "", "EX", 60));
  }

  async close(): Promise<void> {
    this.changes.close();
    await this.dispatch.close();
    this.redis.disconnect();
  }
}
