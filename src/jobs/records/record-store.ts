import type { Redis } from "ioredis";
import type { JobStatus } from "../../contract/job.ts";
import type { Delivery } from "../../contract/webhook.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { incrementCounter } from "../metrics/counters.ts";
import { decodeRecord, encodeFields, type JobFields, type JobRecord } from "./job-record.ts";
import { FINAL_STATES, isFinal, TRANSITIONS, type Transition } from "./job-states.ts";
import { type Creation, defineRecordScripts, STATUSES } from "./record-scripts.ts";

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
export interface Precondition {
  /** The attempt that must still own the job. */
  run?: string;
  revision?: number;
}

/** Attempts to tell a webhook that a job's view shows. */
const KEPT_DELIVERIES = 20;

const states = (list: readonly JobStatus[]) => `,${list.join(",")},`;

/** The records in Redis. Each method is one atomic step. */
export class RecordStore {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    /** How long a job is kept after its end where its owner did not say. */
    private readonly keepSeconds: number = 7 * 24 * 3600,
  ) {
    defineRecordScripts(redis);
  }

  /** Writes a new record; `limit` is how many jobs may wait, `ownerLimit` and `keptLimit` how many of one owner may wait, and be there. */
  create(record: JobRecord, limit: number, ownerLimit: number, keptLimit: number): Promise<Creation> {
    return this.redis.nstCreate(
      this.keys.job(record.id),
      this.keys.all,
      this.keys.expiring,
      this.keys.status("queued"),
      this.keys.owners(record.owner, "all"),
      this.keys.owners(record.owner, "queued"),
      this.keys.outbox,
      this.keys.queuedWork,
      record.id,
      String(limit),
      String(ownerLimit),
      String(keptLimit),
      record.expires_at === null ? "" : String(Date.parse(record.expires_at)),
      ...encodeFields(record),
    );
  }

  async find(id: string): Promise<JobRecord | null> {
    return decodeRecord(await this.redis.hgetall(this.keys.job(id)));
  }

  /** Moves a job to another state as the table allows. Gives false where it, or the guard, does not. */
  async transition(
    id: string,
    name: Transition,
    fields: JobFields = {},
    precondition: Precondition = {},
  ): Promise<boolean> {
    const { from, to } = TRANSITIONS[name];
    const changed = await this.change(id, from, to, fields, precondition);
    if (changed && name === "fail" && fields.error)
      await incrementCounter(this.redis, this.keys, `failed:${fields.error.code}`);
    return changed;
  }

  /** Writes fields of a running job that `run` still owns. */
  async update(id: string, run: string, fields: JobFields): Promise<boolean> {
    return this.change(id, ["running"], "", fields, { run });
  }

  /** Redis' time in ms: the one clock by which jobs expire, since processes' clocks differ and may be set. */
  async now(): Promise<number> {
    const [seconds, microseconds] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  /** Writes other options into a job that has not ended, if its revision is still the expected one. */
  async steer(
    id: string,
    fields: Pick<JobRecord, "options" | "steered">,
    revision: number,
  ): Promise<boolean> {
    return this.change(id, ["queued", "running"], "", fields, { revision });
  }

  private async change(
    id: string,
    from: readonly JobStatus[],
    to: JobStatus | "",
    fields: JobFields & Partial<Pick<JobRecord, "options" | "steered">>,
    precondition: Precondition,
  ): Promise<boolean> {
    const { expires_at } = fields;
    const ends = to !== "" && isFinal(to);
    const kept = ends ? new Date((await this.now()) + this.keepSeconds * 1000) : null;
    const answer = await this.redis.nstChange(
      this.keys.job(id),
      this.keys.expiring,
      ...this.statusKeys(),
      this.keys.outbox,
      this.keys.queuedWork,
      id,
      this.keys.changes(id),
      states(from),
      to,
      precondition.run === undefined ? "" : JSON.stringify(precondition.run),
      precondition.revision === undefined ? "" : String(precondition.revision),
      expires_at === undefined ? "" : expires_at === null ? "-" : String(Date.parse(expires_at)),
      ...(kept ? [String(kept.getTime()), JSON.stringify(kept)] : ["", ""]),
      this.ownerPrefix,
      ...encodeFields(fields),
    );
    return answer === "applied";
  }

  /** Adds to the log of a job's webhook; a job that is forgotten has none. */
  async addDelivery(id: string, delivery: Delivery): Promise<void> {
    await this.redis.nstDelivered(this.keys.job(id), JSON.stringify(delivery), String(KEPT_DELIVERIES));
  }

  /** Ids of jobs whose time of expiry, or of being forgotten, has come; the earliest first. */
  due(now: number, limit: number): Promise<string[]> {
    return this.redis.zrange(this.keys.expiring, "-inf", String(now), "BYSCORE", "LIMIT", 0, limit);
  }

  /** Lets a job that has ended forget its pictures. The record stays until `forgetAt` (ms), to say so. */
  async expire(id: string, forgetAt: number, precondition: Precondition = {}): Promise<boolean> {
    const nothing = {
      ...{ result: null, state: null, preview: null, timelapse: null, checkpoint: null, losses: null },
    };
    if (!(await this.change(id, FINAL_STATES, "", nothing, precondition))) return false;
    await this.redis.zadd(this.keys.expiring, "XX", forgetAt, id);
    return true;
  }

  /** Forgets a job that has ended. Gives its last record, or null where there was none to forget. */
  async remove(id: string): Promise<JobRecord | null> {
    const flat = await this.redis.nstRemove(
      this.keys.job(id),
      this.keys.all,
      this.keys.expiring,
      ...this.statusKeys(),
      id,
      states(FINAL_STATES),
      this.ownerPrefix,
    );
    const pairs = Array.from({ length: flat.length / 2 }, (_, index) => flat.slice(2 * index, 2 * index + 2));
    return decodeRecord(Object.fromEntries(pairs));
  }

  /** Newest first, older than the id `before`. Ids sort by time, so the cursor stays right while jobs come and go. */
  async list({ owner, status, before, limit }: ListQuery): Promise<JobRecord[]> {
    const everyones = status === undefined ? this.keys.all : this.keys.status(status);
    const key = owner === undefined ? everyones : this.keys.owners(owner, status ?? "all");
    const start = before === undefined ? "+" : `(${before}`;
    const ids = await this.redis.zrange(key, start, "-", "BYLEX", "REV", "LIMIT", 0, limit);
    const records = await Promise.all(ids.map((id) => this.find(id)));
    return records.filter((record) => record !== null);
  }

  async counts(): Promise<Record<JobStatus, number>> {
    const counts = await Promise.all(STATUSES.map((status) => this.redis.zcard(this.keys.status(status))));
    return Object.fromEntries(STATUSES.map((status, index) => [status, counts[index] ?? 0])) as Record<
      JobStatus,
      number
    >;
  }

  private get ownerPrefix(): string {
    return `${this.keys.prefix}:owner:`;
  }

  private statusKeys(): string[] {
    return STATUSES.map((status) => this.keys.status(status));
  }
}
