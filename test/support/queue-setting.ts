import type { Redis } from "ioredis";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { RecordStore } from "../../src/jobs/records/record-store.ts";
import { connectForRequests, connectForWork } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import type { JobOutcome, JobRun } from "../../workers/job/job-run.ts";
import { JobWorker, type JobWorkerSettings } from "../../workers/job-worker.ts";
import { connected, TestRedis } from "./redis.ts";

/** A Redis with a queue, and workers in this process whose work is up to the test. */
export class QueueSetting {
  private readonly open: { worker: JobWorker; redis: Redis }[] = [];

  private constructor(
    readonly server: TestRedis,
    readonly redis: Redis,
    readonly keys: RedisKeys,
    readonly queue: JobQueue,
    /** What the worker changes jobs by. */
    readonly records: RecordStore,
  ) {}

  /** @param keepSeconds how long a job is kept after its end */
  static async start(keepSeconds?: number): Promise<QueueSetting> {
    const server = await TestRedis.start();
    const redis = await connected(connectForRequests(server.url));
    const keys = new RedisKeys("test");
    const queue = new JobQueue(redis, keys, keepSeconds === undefined ? {} : { keepSeconds });
    return new QueueSetting(server, redis, keys, queue, new RecordStore(redis, keys, keepSeconds));
  }

  /** A worker that takes jobs from now on; `url` is another way to the server. */
  startWorker(
    process: (run: JobRun) => Promise<JobOutcome>,
    settings: Partial<JobWorkerSettings> = {},
    url = this.server.url,
  ): JobWorker {
    const redis = connectForWork(url);
    const worker = new JobWorker(redis, this.keys, process, { name: "worker", ...settings });
    this.open.push({ worker, redis });
    worker.start();
    return worker;
  }

  /** Stops the workers, and has nothing in Redis any more. */
  async clear(): Promise<void> {
    for (const { worker, redis } of this.open.splice(0)) {
      await worker.close(2_000);
      redis.disconnect();
    }
    await this.redis.flushall();
  }

  async close(): Promise<void> {
    await this.clear();
    await this.queue.close();
    await this.server.stop();
  }
}
