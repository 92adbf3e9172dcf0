import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Redis } from "ioredis";
import { LOCAL_OWNER } from "../contract/access.ts";
import type { JobStatus } from "../contract/job.ts";
import { applySteering, type Steering } from "../contract/options.ts";
import { available } from "./available.ts";
import { capacityOf, demandOf, fits, takesAll, unfitJobs } from "./dispatch/capacity.ts";
import { Dispatch } from "./dispatch/dispatch.ts";
import { type Place, waitSeconds } from "./dispatch/place.ts";
import { redispatch } from "./dispatch/redispatch.ts";
import { workOf } from "./dispatch/work.ts";
import {
  type JobChange,
  type JobQueue,
  type ListQuery,
  QueueFullError,
  QuotaExceededError,
  type Submission,
} from "./job-queue.ts";
import type { QueueKeys } from "./keys.ts";
import { JobChanges } from "./records/changes.ts";
import { DEFAULT_PRIORITY, type JobRecord, RECORD_VERSION } from "./records/job-record.ts";
import { isFinal, TRANSITIONS } from "./records/job-states.ts";
import { RecordCache } from "./records/record-cache.ts";
import { RecordStore } from "./records/record-store.ts";
import { type JobTimes, readJobTimes } from "./worker/job-times.ts";
import { findWorkers, type WorkerDescription } from "./worker/worker-registry.ts";

/** How long it is remembered that a job was there and its pictures have expired. */
export const REMEMBER_EXPIRED_MS = 24 * 3600_000;
const CACHED_RECORDS = 2_000;
/** Workers tell how they are every four seconds. */
const WORKERS_KNOWN_MS = 1_000;
const DUE_AT_ONCE = 100;

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
  private readonly records: RecordStore;
  private readonly dispatch: Dispatch;
  private readonly changes: JobChanges;
  private readonly cache = new RecordCache(CACHED_RECORDS);
  private known: { at: number; workers: Promise<WorkerDescription[]> } | null = null;
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
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChanges(subscriber, keys);
  }

  admit(owner: string): Promise<void> {
    return available(async () => {
      const [waiting, ofOwner, kept] = await Promise.all([
        this.redis.zcard(this.keys.status("queued")),
        this.redis.zcard(this.keys.owners(owner, "queued")),
        this.redis.zcard(this.keys.owners(owner, "all")),
      ]);
      if (waiting >= this.limit) throw new QueueFullError(this.limit);
      if (ofOwner >= this.ownerLimit) throw new QuotaExceededError(this.ownerLimit, "wait");
      if (kept >= this.keptLimit) throw new QuotaExceededError(this.keptLimit, "are kept");
    });
  }

  submit(submission: Submission): Promise<JobRecord> {
    return available(async () => {
      const record = newRecord(submission);
      const answer = await this.records.create(record, this.limit, this.ownerLimit, this.keptLimit);
      if (answer === "full") throw new QueueFullError(this.limit);
      if (answer === "quota") throw new QuotaExceededError(this.ownerLimit, "wait");
      if (answer === "kept") throw new QuotaExceededError(this.keptLimit, "are kept");
      // From here on the job is accepted: should BullMQ not hear of it, the sweep tells it.
      await this.dispatch.add(record).catch(() => undefined);
      return answer === "created" ? record : ((await this.records.find(record.id)) ?? record);
    });
  }

  find(id: string): Promise<JobRecord | null> {
    return available(() => this.records.find(id));
  }

  look(id: string): Promise<{ record: JobRecord; place: Place | null } | null> {
    return available(async () => {
      const ahead = await this.dispatch.ahead(id);
      if (ahead.revision === 0) return null;
      let record = this.cache.get(id, ahead.revision);
      if (!record) {
        record = await this.records.find(id);
        if (!record) return null;
        this.cache.put(record);
      }
      if (record.status !== "queued") return { record, place: null };
      return { record, place: await this.placeIn(id, ahead) };
    });
  }

  board(): BullMQAdapter {
    return this.dispatch.board;
  }

  place(id: string): Promise<Place | null> {
    return available(async () => this.placeIn(id, await this.dispatch.ahead(id)));
  }

  private async placeIn(
    id: string,
    { position, work }: { position: number | null; work: number },
  ): Promise<Place | null> {
    if (position === null) return null;
    const workers = await this.knownWorkers();
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

  /** The workers as they were a moment ago. */
  private knownWorkers(): Promise<WorkerDescription[]> {
    const now = Date.now();
    if (this.known && now - this.known.at < WORKERS_KNOWN_MS) return this.known.workers;
    const workers = findWorkers(this.redis, this.keys);
    this.known = { at: now, workers };
    workers.catch(() => {
      this.known = null;
    });
    return workers;
  }

  position(id: string): Promise<number | null> {
    return available(() => this.dispatch.position(id));
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
        finished_at: null,
        progress: null,
        checkpoint: null,
      };
      for (;;) {
        const record = await this.records.find(id);
        if (!record || !isIn(TRANSITIONS.retry.from, record.status)) return record;
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
    await available(() => this.redis.ping());
  }

  /** The time in ms by which jobs expire: Redis'. */
  now(): Promise<number> {
    return available(() => this.records.now());
  }

  /** Jobs whose pictures are to go now (`expired`), and jobs that are to be forgotten altogether (`forgotten`). */
  due(now: number): Promise<{ expired: JobRecord[]; forgotten: JobRecord[] }> {
    return available(async () => {
      const ids = await this.records.due(now, DUE_AT_ONCE);
      const records = (await Promise.all(ids.map((id) => this.records.find(id)))).filter(
        (one) => one !== null,
      );
      const isOver = (record: JobRecord) => isDue(record, now - REMEMBER_EXPIRED_MS);
      return { expired: records.filter((one) => !isOver(one)), forgotten: records.filter(isOver) };
    });
  }

  /**
   * Ends a job whose time is over; its record names no pictures any more, which may then be deleted. Gives false,
   * and changes nothing, where its time is not over, since it was retried just now.
   */
  expire(id: string, now: number): Promise<boolean> {
    return available(async () => {
      for (;;) {
        const record = await this.records.find(id);
        if (!record || !isDue(record, now)) return false;
        const { revision } = record;
        if (isFinal(record.status)) {
          if (await this.records.expire(id, now + REMEMBER_EXPIRED_MS, { revision })) return true;
        } else {
          const ended = { finished_at: new Date().toISOString(), run: null, checkpoint: null };
          const canceled = await this.records.transition(id, "cancel", ended, { revision });
          if (canceled) await this.dispatch.remove(record).catch(() => undefined);
        }
      }
    });
  }

  /** Fails a waiting job whose pictures are gone, unless it has changed. Gives whether it did. */
  failWithoutPictures({ id, revision }: JobRecord): Promise<boolean> {
    return available(async () => {
      const error = {
        code: "picture_missing" as const,
        message: "A picture of the job is not there any more",
      };
      const ended = { error, finished_at: new Date().toISOString(), run: null };
      return this.records.transition(id, "fail", ended, { revision });
    });
  }

  /** Gives jobs of before there were owners to `LOCAL_OWNER`, once. Gives how many these were. */
  indexOwners(): Promise<number> {
    return available(() => this.records.indexOwners());
  }

  /** See `redispatch`. */
  redispatch(): Promise<number> {
    return available(() => redispatch(this.records, this.dispatch));
  }

  async close(): Promise<void> {
    this.changes.close();
    await this.dispatch.close();
    this.redis.disconnect();
  }
}

function isDue({ expires_at }: JobRecord, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

const isIn = (states: readonly JobStatus[], status: JobStatus) => states.includes(status);

function newRecord(submission: Submission): JobRecord {
  return {
    version: RECORD_VERSION,
    id: submission.id,
    owner: submission.owner ?? LOCAL_OWNER,
    status: "queued",
    revision: 1,
    priority: submission.priority ?? DEFAULT_PRIORITY,
    options: submission.options,
    metadata: submission.metadata ?? {},
    content: submission.content,
    styles: submission.styles,
    style_masks: submission.style_masks ?? null,
    keep_mask: submission.keep_mask ?? null,
    init_picture: submission.init_picture ?? null,
    continued_from: submission.continued_from ?? null,
    batch: submission.batch ?? null,
    steered: 0,
    work: workOf(submission.options, submission.pixels),
    webhook: submission.webhook ?? null,
    deliveries: null,
    traceparent: submission.traceparent ?? null,
    attempts: 0,
    run: null,
    worker: null,
    engine: null,
    progress: null,
    error: null,
    result: null,
    state: null,
    preview: null,
    timelapse: null,
    checkpoint: null,
    losses: null,
    created_at: new Date().toISOString(),
    started_at: null,
    finished_at: null,
    expires_at: submission.expires_at ?? null,
  };
}
