import type { Redis } from "ioredis";
import { type JobStatus, jobStatusSchema } from "../../contract/job.ts";
import type { Delivery } from "../../contract/webhook.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { incrementCounter } from "../metrics/counters.ts";
import { sharedPictures } from "./job-blobs.ts";
import {
  decodeRecord,
  encodeFields,
  type JobFields,
  type JobRecord,
  UnreadableRecordError,
} from "./job-record.ts";
import { FINAL_STATES, isFinal, TRANSITIONS, type Transition } from "./job-states.ts";
import { type PictureArguments, pictureArguments } from "./picture-arguments.ts";
import {
  appendDelivery,
  type Change,
  type Creation,
  changeJob,
  createJob,
  removeJob,
  removeUnreadable,
} from "./record-scripts.ts";

export interface ListQuery {
  /** Only this owner's jobs. */
  owner?: string;
  status?: JobStatus;
  /** Only jobs older than the job with this id, which may have been deleted. */
  before?: string;
  /** 1 to 1000. */
  limit: number;
}

/** What must hold for a change to happen; otherwise nothing changes. */
interface Precondition {
  /** The attempt that must still own the job. */
  attempt_id?: string;
  revision?: number;
}

/** How many jobs there may be. */
export interface JobLimits {
  queued: number;
  /** Of one owner's. */
  ownerQueued: number;
  /** Of one owner's, in all states. */
  ownerJobs: number;
}

type Changes = JobFields & Partial<Pick<JobRecord, "options" | "options_version">>;

/** How many webhook deliveries a job's view shows. */
const KEPT_DELIVERIES = 20;
const DEFAULT_KEEP_SECONDS = 7 * 24 * 3600;
/** The records of all jobs in Redis. Each change is one atomic step. */
export class RecordStore {
  private readonly pictureArgs: PictureArguments;

  /** @param keepSeconds how long a job is kept after its end, unless its owner said otherwise */
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly keepSeconds: number = DEFAULT_KEEP_SECONDS,
  ) {
    this.pictureArgs = pictureArguments(keys);
  }

  create(record: JobRecord, limits: JobLimits): Promise<Creation> {
    const { redis, keys } = this;
    const { id, owner, expires_at } = record;
    return createJob.run(
      redis,
      [
        keys.job(id),
        keys.allJobs,
        keys.status("queued"),
        keys.owner(owner, "all"),
        keys.owner(owner, "queued"),
        keys.expiring,
        keys.queuedCost,
        keys.queuedSizes,
        keys.outbox,
      ],
      {
        id,
        max_queued: limits.queued,
        max_owner_queued: limits.ownerQueued,
        max_owner_jobs: limits.ownerJobs,
        ...(expires_at !== null && { expires_at: Date.parse(expires_at) }),
        ...{ ...this.pictureArgs, pictures: sharedPictures(record) },
      },
      encodeFields(record),
    );
  }

  /** Throws an `UnreadableRecordError`, after setting the job aside. */
  async find(id: string): Promise<JobRecord | null> {
    const fields = await this.redis.hgetall(this.keys.job(id));
    try {
      return decodeRecord(fields);
    } catch (error) {
      await this.redis.sadd(this.keys.unreadable, id);
      throw new UnreadableRecordError(id, error);
    }
  }

  /** For work on many jobs, which one unreadable record must not stop. */
  async findReadable(id: string): Promise<JobRecord | "unreadable" | null> {
    return await this.find(id).catch((error: unknown) => {
      if (error instanceof UnreadableRecordError) return "unreadable" as const;
      throw error;
    });
  }

  /** How many jobs are set aside because their records cannot be read. */
  countUnreadable(): Promise<number> {
    return this.redis.scard(this.keys.unreadable);
  }

  /** Looks again at the jobs that are set aside: another version may have repaired or removed them. */
  async recheckUnreadable(): Promise<void> {
    for (const id of await this.redis.smembers(this.keys.unreadable)) {
      if ((await this.findReadable(id)) !== "unreadable") await this.redis.srem(this.keys.unreadable, id);
    }
  }

  /** Moves a job to another state. Returns false if the table of states, or the precondition, does not allow it. */
  async transition(
    id: string,
    name: Transition,
    fields: JobFields = {},
    precondition: Precondition = {},
  ): Promise<boolean> {
    const { from, to } = TRANSITIONS[name];
    const isChanged = (await this.change(id, from, to, fields, precondition)) === "changed";
    if (isChanged && name === "fail" && fields.error) {
      await incrementCounter(this.redis, this.keys, `failed:${fields.error.code}`);
    }
    return isChanged;
  }

  /** Writes fields of a running job, if the attempt `attemptId` still owns it. */
  async update(id: string, attemptId: string, fields: JobFields): Promise<boolean> {
    return (await this.change(id, ["running"], undefined, fields, { attempt_id: attemptId })) === "changed";
  }

  /** Queues a job that has ended again, unless a limit is reached: in one step, so that several at once stay within it. */
  retry(id: string, fields: JobFields, precondition: Precondition, limits: JobLimits): Promise<Change> {
    const { from, to } = TRANSITIONS.retry;
    return this.change(id, from, to, fields, precondition, {
      ...{ max_queued: limits.queued, max_owner_queued: limits.ownerQueued },
    });
  }

  /** Changes the options of a job that has not ended, if its revision is still the expected one. */
  async updateOptions(
    id: string,
    fields: Pick<JobRecord, "options" | "options_version">,
    revision: number,
  ): Promise<boolean> {
    return (await this.change(id, ["queued", "running"], undefined, fields, { revision })) === "changed";
  }

  /** Notes that a job is to end with what it has, if its revision is still the expected one. */
  async requestFinish(id: string, revision: number): Promise<boolean> {
    const fields = { finish_requested: true };
    return (await this.change(id, ["queued", "running"], undefined, fields, { revision })) === "changed";
  }

  /** Lets a job that has ended forget its pictures. The record stays until `deleteAt` (ms). */
  async expire(id: string, deleteAt: number, precondition: Precondition = {}): Promise<boolean> {
    const nothing = {
      ...{ result: null, raw_result: null, preview: null, timelapse: null, checkpoint: null, losses: null },
    };
    const change = this.change(id, FINAL_STATES, undefined, nothing, precondition, {
      release_pictures: true,
    });
    if ((await change) !== "changed") return false;
    await this.redis.zadd(this.keys.expiring, "XX", deleteAt, id);
    return true;
  }

  private async change(
    id: string,
    from: readonly JobStatus[],
    to: JobStatus | undefined,
    changes: Changes,
    precondition: Precondition,
    more: { max_queued?: number; max_owner_queued?: number; release_pictures?: true } = {},
  ): Promise<Change> {
    const { keys } = this;
    return await changeJob.run(
      this.redis,
      [keys.job(id), keys.expiring, keys.queuedCost, keys.queuedSizes, keys.outbox],
      {
        ...{ id, from, ...(to && { to }), ...precondition, ...more },
        ...(changes.expires_at === null && { never_expires: true }),
        ...(to && isFinal(to) && { default_expiry: await this.defaultExpiry() }),
        ...this.pictureArgs,
        channel: keys.changes(id),
        status_prefix: keys.statusPrefix,
        owner_prefix: keys.ownerPrefix,
      },
      encodeFields(changes),
    );
  }

  private async defaultExpiry(): Promise<{ ms: number; json: string }> {
    const ms = (await this.now()) + this.keepSeconds * 1000;
    return { ms, json: JSON.stringify(new Date(ms)) };
  }

  /** Redis' time in ms. It alone decides when jobs expire, since the clocks of processes differ. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  /** Removes a job that has ended. Returns its last record; null if there was none to remove. */
  async remove(id: string): Promise<JobRecord | null> {
    const { keys } = this;
    const flat = await removeJob.run(this.redis, [keys.job(id), keys.allJobs, keys.expiring], {
      ...this.pictureArgs,
      ...{ id, from: FINAL_STATES, status_prefix: keys.statusPrefix, owner_prefix: keys.ownerPrefix },
      ...{ job_prefix: keys.jobPrefix, batch_prefix: keys.batch("") },
    });
    const pairs = Array.from({ length: flat.length / 2 }, (_, index) => flat.slice(2 * index, 2 * index + 2));
    return decodeRecord(Object.fromEntries(pairs));
  }

  /** Removes a job whose record cannot be read. */
  async removeUnreadable(id: string): Promise<void> {
    const { keys } = this;
    await removeUnreadable.run(
      this.redis,
      [keys.job(id), keys.allJobs, keys.expiring, keys.queuedSizes, keys.unreadable],
      {
        ...{ id, statuses: jobStatusSchema.options },
        ...{ status_prefix: keys.statusPrefix, owner_prefix: keys.ownerPrefix },
      },
    );
  }

  /** Adds to the log of a job's webhook deliveries. */
  async appendDelivery(id: string, delivery: Delivery): Promise<void> {
    await appendDelivery.run(this.redis, [this.keys.job(id)], { keep: KEPT_DELIVERIES }, [
      JSON.stringify(delivery),
    ]);
  }

  /** Ids of jobs that are to expire, or to be removed, by `now` (ms); the earliest first, without the first `skip`. */
  due(now: number, skip: number, limit: number): Promise<string[]> {
    return this.redis.zrange(this.keys.expiring, "-inf", String(now), "BYSCORE", "LIMIT", skip, limit);
  }

  /** Whether a job is to expire by `now` (ms), even if its record cannot be read. */
  async isDue(id: string, now: number): Promise<boolean> {
    const at = await this.redis.zscore(this.keys.expiring, id);
    return at !== null && Number(at) <= now;
  }

  /**
   * Newest first, without jobs whose records cannot be read. Ids sort by time, so `before` stays a valid cursor while jobs come
   * and go.
   */
  async list({ owner, status, before, limit }: ListQuery): Promise<JobRecord[]> {
    const { keys } = this;
    const all = status === undefined ? keys.allJobs : keys.status(status);
    const set = owner === undefined ? all : keys.owner(owner, status ?? "all");
    const records: JobRecord[] = [];
    for (let start = before === undefined ? "+" : `(${before}`; ; ) {
      const missing = limit - records.length;
      const ids = await this.redis.zrange(set, start, "-", "BYLEX", "REV", "LIMIT", 0, missing);
      const found = await Promise.all(ids.map((id) => this.findReadable(id)));
      records.push(...found.filter((record) => record !== null && record !== "unreadable"));
      if (records.length === limit || ids.length < missing) return records;
      start = `(${ids.at(-1)}`;
    }
  }

  async counts(): Promise<Record<JobStatus, number>> {
    const entries = jobStatusSchema.options.map(async (status) => {
      return [status, await this.redis.zcard(this.keys.status(status))] as const;
    });
    return Object.fromEntries(await Promise.all(entries)) as Record<JobStatus, number>;
  }
}
