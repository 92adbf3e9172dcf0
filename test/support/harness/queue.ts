import type { Redis } from "ioredis";
import { JobQueue } from "../../../src/jobs/job-queue.ts";
import { RecordStore } from "../../../src/jobs/records/record-store.ts";
import { connectForRequests } from "../../../src/redis/connection.ts";
import { RedisKeys } from "../../../src/redis/keys.ts";
import { JobWorkers } from "./job-workers.ts";
import { connected, TestRedis } from "./redis.ts";

/** A Redis with a queue, and workers in this process whose work is up to the test. */
export class QueueHarness {
  private readonly workers: JobWorkers;

  private constructor(
    readonly server: TestRedis,
    readonly redis: Redis,
    readonly keys: RedisKeys,
    readonly queue: JobQueue,
    /** What a worker uses to change jobs. */
    readonly records: RecordStore,
  ) {
    this.workers = new JobWorkers(server.url, keys);
  }

  /** @param keepSeconds how long a job is kept after its end */
  static async start(keepSeconds?: number): Promise<QueueHarness> {
    const server = await TestRedis.start();
    const redis = await connected(connectForRequests(server.url));
    const keys = new RedisKeys("test");
    const queue = new JobQueue(redis, keys, keepSeconds === undefined ? {} : { keepSeconds });
    return new QueueHarness(server, redis, keys, queue, new RecordStore(redis, keys, keepSeconds));
  }

  /** Starts a worker that takes jobs from now on; a third argument is another URL of the server. */
  startWorker(...worker: Parameters<JobWorkers["start"]>): ReturnType<JobWorkers["start"]> {
    return this.workers.start(...worker);
  }

  /** Stops the workers and empties Redis. */
  async clear(): Promise<void> {
    await this.workers.stop();
    await this.redis.flushall();
  }

  async close(): Promise<void> {
    await this.clear();
    await this.queue.close();
    await this.server.stop();
  }
}
