import type { JobStatus } from "../contract/job.ts";

/** Names of the BullMQ queues: the order of jobs, and webhook deliveries. */
export const JOB_QUEUE_NAME = "jobs";
export const WEBHOOK_QUEUE_NAME = "webhooks";

/**
 * The names of everything in Redis. All share one hash tag (`{nst}`), so that a Redis Cluster keeps them in one slot and a
 * script may use several at once.
 */
export class RedisKeys {
  /** BullMQ's prefix: its keys are `{nst}:jobs:…`. */
  readonly prefix: string;
  readonly jobPrefix: string;
  readonly statusPrefix: string;
  readonly ownerPrefix: string;
  readonly picturePrefix: string;
  readonly pictureUsersPrefix: string;

  constructor(prefix: string) {
    this.prefix = `{${prefix}}`;
    this.jobPrefix = `${this.prefix}:job:`;
    this.statusPrefix = `${this.prefix}:status:`;
    this.ownerPrefix = `${this.prefix}:owner:`;
    this.picturePrefix = `${this.prefix}:picture:`;
    this.pictureUsersPrefix = `${this.prefix}:picture-users:`;
  }

  /** A job's record, as a hash. */
  job(id: string): string {
    return this.jobPrefix + id;
  }
  /** Ids of the jobs in a state. All scores are 0, so they are sorted by id, which is by time. */
  status(status: JobStatus): string {
    return this.statusPrefix + status;
  }
  /** Ids of all jobs, sorted like `status`. */
  get allJobs(): string {
    return `${this.prefix}:all-jobs`;
  }
  /** Ids of an owner's jobs: all of them, those in a state (both sorted like `status`), or the queued ones in their order. */
  owner(owner: string, set: JobStatus | "all" | "order"): string {
    return `${this.ownerPrefix}${owner}:${set}`;
  }
  /** Ids of jobs, by the time in ms at which they expire. */
  get expiring(): string {
    return `${this.prefix}:expiring`;
  }
  /** The estimated cost of all queued jobs together. */
  get queuedCost(): string {
    return `${this.prefix}:queued-cost`;
  }
  /** Ids of jobs whose records this version cannot read. */
  get unreadable(): string {
    return `${this.prefix}:unreadable`;
  }
  /** Ids of the queued jobs, by the size of their results. */
  get queuedSizes(): string {
    return `${this.prefix}:queued-sizes`;
  }
  /** Counts jobs as they are queued. */
  get arrivals(): string {
    return `${this.prefix}:arrivals`;
  }
  /** Exists while one process has run a task that the others need not repeat. */
  lease(task: string): string {
    return `${this.prefix}:lease:${task}`;
  }
  /** Channel on which changes of a job are published. */
  changes(id: string): string {
    return `${this.prefix}:changes:${id}`;
  }
  /** Events of jobs that have not been handed to webhook delivery yet. */
  get outbox(): string {
    return `${this.prefix}:outbox`;
  }
  /** A stored picture, by the key of its blob, as a hash. */
  picture(key: string): string {
    return this.picturePrefix + key;
  }
  /** Keys of an owner's pictures, by the digest of their bytes. */
  ownerPictures(owner: string): string {
    return `${this.ownerPrefix}${owner}:pictures`;
  }
  /** Keys of pictures that nothing uses any more, until their blobs are deleted. */
  get unusedPictures(): string {
    return `${this.prefix}:unused-pictures`;
  }
  batch(id: string): string {
    return `${this.prefix}:batch:${id}`;
  }
  /** The response to a client's idempotency key, by a digest of that key. */
  idempotency(digest: string): string {
    return `${this.prefix}:idempotency:${digest}`;
  }
  /** Names of an owner's responses, by the time at which they expire. */
  idempotencyKeys(owner: string): string {
    return `${this.prefix}:idempotency-keys:${owner}`;
  }
  apiKey(id: string): string {
    return `${this.prefix}:api-key:${id}`;
  }
  /** Ids of all API keys. */
  get apiKeys(): string {
    return `${this.prefix}:api-keys`;
  }
  /** Secrets that sign links. */
  get linkSecrets(): string {
    return `${this.prefix}:link-secrets`;
  }
  /** Ids of an owner's messages that have been neither delivered nor given up. */
  undelivered(owner: string): string {
    return `${this.prefix}:undelivered:${owner}`;
  }
  /** BullMQ's key of a message. */
  webhookMessage(id: string): string {
    return `${this.prefix}:${WEBHOOK_QUEUE_NAME}:${id}`;
  }
  webhookSecrets(owner: string): string {
    return `${this.prefix}:webhook-secrets:${owner}`;
  }
  /** Prefix of a rate limit's counters. */
  rates(name: string): string {
    return `${this.prefix}:rate:${name}`;
  }
  /** Histogram of job durations. */
  get jobDurations(): string {
    return `${this.prefix}:job-durations`;
  }
  /** Counters for the metrics: see `CounterName`. */
  get counters(): string {
    return `${this.prefix}:counters`;
  }
  /** Ids of the workers, and each worker's last heartbeat. */
  get workers(): string {
    return `${this.prefix}:workers`;
  }
  worker(id: string): string {
    return `${this.prefix}:worker:${id}`;
  }
  /** Written to check that Redis accepts writes: a full Redis or a replica still answers reads. */
  get writeProbe(): string {
    return `${this.prefix}:write-probe`;
  }
  /** BullMQ's own keys of the job queue. */
  bullmq(name: string): string {
    return `${this.prefix}:${JOB_QUEUE_NAME}:${name}`;
  }
}
