import type { Redis } from "ioredis";
import { connectForWork } from "../../../src/redis/connection.ts";
import type { RedisKeys } from "../../../src/redis/keys.ts";
import type { AttemptContext, JobOutcome } from "../../../workers/job/attempt-context.ts";
import { JobWorker, type JobWorkerSettings } from "../../../workers/job-worker.ts";

/** Real workers in this process. What they do with a job is up to the test. */
export class JobWorkers {
  private readonly running: { worker: JobWorker; redis: Redis }[] = [];

  constructor(
    private readonly redisUrl: string,
    private readonly keys: RedisKeys,
  ) {}

  /** Starts a worker that takes jobs from now on. */
  start(
    process: (run: AttemptContext) => Promise<JobOutcome>,
    settings: Partial<JobWorkerSettings> = {},
    redisUrl = this.redisUrl,
  ): JobWorker {
    const redis = connectForWork(redisUrl);
    const worker = new JobWorker(redis, this.keys, process, { name: "worker", ...settings });
    this.running.push({ worker, redis });
    worker.start();
    return worker;
  }

  async stop(): Promise<void> {
    for (const { worker, redis } of this.running.splice(0)) {
      await worker.close(2_000);
      redis.disconnect();
    }
  }
}
