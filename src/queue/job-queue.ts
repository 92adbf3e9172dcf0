import type { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { JobStatus } from "../contract/job.ts";
import type { Options, Steering } from "../contract/options.ts";
import type { Webhook } from "../contract/webhook.ts";
import type { Place } from "./dispatch/places.ts";
import type { Seen } from "./looks.ts";
import type { JobRecord } from "./records/job-record.ts";
import type { Tally } from "./tallies.ts";
import type { JobTimes } from "./worker/job-times.ts";
import type { WorkerDescription } from "./worker/worker-registry.ts";

export interface Submission {
  /** UUID v7 made by the caller: submitting the same id again changes nothing and gives the first record. */
  id: string;
  /** Whose job it is; `LOCAL_OWNER` if not given. */
  owner?: string;
  options: Options;
  /** Key of the content picture in the blob store; the pictures are there before the job is submitted. */
  content: string;
  styles: string[];
  /** One for each style, or none. */
  style_masks?: string[];
  keep_mask?: string;
  init_picture?: string;
  continued_from?: string;
  batch?: string;
  /** Width · height of the result, as far as it is known. */
  pixels?: number;
  webhook?: Webhook;
  traceparent?: string;
  metadata?: Record<string, unknown>;
  /** 1 (first) to 100 (last). */
  priority?: number;
  /** Seconds from now on, by the queue's clock, after which it and its pictures are to go. */
  expires_in?: number;
}

export interface ListQuery {
  /** Only this owner's jobs. */
  owner?: string;
  status?: JobStatus;
  /** Jobs older than the one with this id, which need not exist any more. */
  before?: string;
  /** 1 to 1000. */
  limit: number;
}

/** A change to a job that someone may wait for. */
export interface JobChange {
  id: string;
  revision: number;
  status: JobStatus;
  /** How often its options were changed since it was submitted. */
  steered: number;
}

/** The API's side of the queue. Every method rejects with `QueueUnavailableError` while Redis cannot be reached. */
export interface JobQueue {
  /** How many jobs this process has put into the queue. */
  readonly accepted: number;
  /**
   * Rejects with `QueueFullError` where as many jobs wait as are allowed, with `QuotaExceededError` where as many of
   * this owner do, or, for a new job, as many of theirs are kept: known before a submission is read. `submit` and not this
   * decides.
   */
  admit(owner: string, job?: "new" | "retried"): Promise<void>;
  /** Rejects as `admit` does. */
  submit(submission: Submission): Promise<JobRecord>;
  find(id: string): Promise<JobRecord | null>;
  /**
   * A job and its place, in one exchange with Redis and without reading again what is known: for clients that
   * ask again and again. Null where there is no such job.
   */
  look(id: string): Promise<Seen | null>;
  /** Where a job stands, or null where it does not wait. O(log n). */
  place(job: Pick<JobRecord, "id" | "status">): Promise<Place | null>;
  /** Stops a job. Gives its record as it then is: one that had ended before stays as it was. */
  cancel(id: string): Promise<JobRecord | null>;
  /** Changes options of a job that has not ended; one that has stays as it is. */
  steer(id: string, steering: Steering): Promise<JobRecord | null>;
  /** Queues a failed or canceled job again; others stay as they are. */
  retry(id: string): Promise<JobRecord | null>;
  /** Forgets a job, which is canceled first where it has not ended. Gives what it was, so that its blobs can go. */
  delete(id: string): Promise<JobRecord | null>;
  /** Newest first. */
  list(query: ListQuery): Promise<JobRecord[]>;
  counts(): Promise<Record<JobStatus, number>>;
  /** When the job was submitted that waits longest; null where none waits. */
  oldestQueued(): Promise<Date | null>;
  /** How long the jobs took that have ended. */
  jobTimes(): Promise<JobTimes[]>;
  /** What was counted of each for the metrics, by all processes. */
  tallies(): Promise<(what: Tally) => number>;
  /** When the event happened that waits longest to be told to a webhook for the first time; null where none waits. */
  oldestUntold(): Promise<Date | null>;
  /** The workers seen lately. */
  workers(): Promise<WorkerDescription[]>;
  /** How many queued jobs none of these workers takes, and the largest size among them. O(n) in the queued jobs. */
  unfit(workers: WorkerDescription[]): Promise<{ count: number; largestSize: number }>;
  /** Calls back at every change of the job until the returned function is called. */
  watch(id: string, listener: (change: JobChange) => void): Promise<() => Promise<void>>;
  /** Whether Redis takes writes. */
  ping(): Promise<void>;
  /** BullMQ's own queue for bull-board, to look at only. */
  board(): BullMQAdapter;
  close(): Promise<void>;
}

/** Redis cannot be reached at the moment; nothing was accepted. */
export class QueueUnavailableError extends Error {
  override name = "QueueUnavailableError";
}

/** As many of an owner's jobs wait, or are kept, as are allowed. */
export class QuotaExceededError extends Error {
  override name = "QuotaExceededError";
  constructor(limit: number, what: "wait" | "are kept") {
    super(`${limit} of this owner's jobs ${what} already, which is the limit`);
  }
}

/** As many jobs wait as are allowed. */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  constructor(limit: number) {
    super(`${limit} jobs wait already, which is the limit`);
  }
}
