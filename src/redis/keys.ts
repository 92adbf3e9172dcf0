import type { JobStatus } from "../contract/job.ts";

/** Name of BullMQ's queue. */
export const QUEUE_NAME = "dispatch";
export const WEBHOOK_QUEUE_NAME = "webhooks";

/**
 * The names of everything in Redis. All carry one hash tag (`{nst}`), so that a Redis Cluster keeps them in
 * one slot and scripts may touch several at once.
 */
export class RedisKeys {
  /** BullMQ's prefix: its keys are `{nst}:dispatch:…`. */
  readonly prefix: string;

  constructor(name: string) {
    this.prefix = `{${name}}`;
  }

  job(id: string): string {
    return `${this.prefix}:job:${id}`;
  }
  /** Ids of the jobs in a state; all scores 0, so that they lie in the order of their ids, which is that of time. */
  status(status: JobStatus): string {
    return `${this.prefix}:status:${status}`;
  }
  get all(): string {
    return `${this.prefix}:jobs`;
  }
  /** What all jobs that wait cost together: see `estimateCost`. */
  get queuedWork(): string {
    return `${this.prefix}:queued-work`;
  }
  /** Ids by the time (ms) at which they expire. */
  get expiring(): string {
    return `${this.prefix}:expiring`;
  }
  /** What was answered to a client's idempotency key; `digest` is the key's own, which may hold any letters. */
  idempotency(digest: string): string {
    return `${this.prefix}:idempotency:${digest}`;
  }
  /** Written to see whether Redis takes writes: one that is full or a replica answers, and takes none. */
  get trial(): string {
    return `${this.prefix}:trial`;
  }
  batch(id: string): string {
    return `${this.prefix}:batch:${id}`;
  }
  /** Channel of a job's changes. */
  changes(id: string): string {
    return `${this.prefix}:changes:${id}`;
  }
  /** Ids of an owner's jobs: all of them, those in a state, or those that wait in the order in which they are taken. */
  owners(owner: string, of: JobStatus | "all" | "order"): string {
    return `${this.prefix}:owner:${owner}:${of}`;
  }
  /** Counts jobs as they are queued. */
  get arrivals(): string {
    return `${this.prefix}:arrivals`;
  }
  /** One of the API's keys, and the ids of all. */
  apiKey(id: string): string {
    return `${this.prefix}:api-key:${id}`;
  }
  get apiKeys(): string {
    return `${this.prefix}:api-keys`;
  }
  /** What signs links. */
  get linkSecrets(): string {
    return `${this.prefix}:link-secrets`;
  }
  /** Prefix of the counters of a rate. */
  rates(name: string): string {
    return `${this.prefix}:rate:${name}`;
  }
  /** Events whose webhooks are still to be told. */
  get outbox(): string {
    return `${this.prefix}:outbox`;
  }
  webhookSecrets(owner: string): string {
    return `${this.prefix}:webhook-secrets:${owner}`;
  }
  /** How long jobs took: see `readJobTimes`. */
  get jobTimes(): string {
    return `${this.prefix}:job-times`;
  }
  /** What is counted for the metrics: see `CounterName`. */
  get counters(): string {
    return `${this.prefix}:counters`;
  }
  get workers(): string {
    return `${this.prefix}:workers`;
  }
  worker(id: string): string {
    return `${this.prefix}:worker:${id}`;
  }
  /** BullMQ's own keys. */
  dispatch(name: string): string {
    return `${this.prefix}:${QUEUE_NAME}:${name}`;
  }
}
