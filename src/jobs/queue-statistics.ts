import type { Redis } from "ioredis";
import type { JobStatus } from "../contract/job.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { type CounterName, readCounters } from "./metrics/counters.ts";
import { type JobDurations, readJobDurations } from "./metrics/job-durations.ts";
import { Outbox } from "./records/outbox.ts";
import type { RecordStore } from "./records/record-store.ts";
import type { JobScheduler } from "./scheduling/job-scheduler.ts";
import { findWorkers, type WorkerDescription } from "./scheduling/worker-registry.ts";

/** What metrics and health checks report. While Redis is unavailable every method rejects. */
export class QueueStatistics {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly records: RecordStore,
    private readonly scheduler: JobScheduler,
  ) {}

  countByStatus(): Promise<Record<JobStatus, number>> {
    return this.records.counts();
  }

  /** When the oldest queued job was submitted; null if none is queued. */
  async oldestQueued(): Promise<Date | null> {
    const [id] = await this.redis.zrange(this.keys.status("queued"), "0", "0");
    // A UUID v7 starts with its creation time in milliseconds (RFC 9562, section 5.7).
    return id === undefined ? null : new Date(Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16));
  }

  /** When the oldest event happened that has not been handed to webhook delivery; null if there is none. */
  oldestUndelivered(): Promise<Date | null> {
    return new Outbox(this.redis, this.keys).oldest();
  }

  /** How long jobs took that have ended. */
  jobDurations(): Promise<JobDurations[]> {
    return readJobDurations(this.redis, this.keys);
  }

  counters(): Promise<(name: CounterName) => number> {
    return readCounters(this.redis, this.keys);
  }

  /** How many jobs have records that cannot be read. */
  unreadable(): Promise<number> {
    return this.records.countUnreadable();
  }

  /** The workers that sent a heartbeat lately. */
  workers(): Promise<WorkerDescription[]> {
    return findWorkers(this.redis, this.keys);
  }

  /** How many queued jobs are too large for a worker, and the largest size among them. O(log n). */
  countOversized(largestSize: number): Promise<{ count: number; largestSize: number }> {
    return this.scheduler.countOversized(largestSize);
  }
}
