import type { Redis } from "ioredis";
import { MEDIA_TYPES, type PictureType } from "../../src/pictures/picture-type.ts";
import { connectForWork } from "../../src/redis/connection.ts";
import type { JobOutcome, JobRun } from "../../workers/job/job-run.ts";
import { JobWorker } from "../../workers/job-worker.ts";
import { draw } from "./pictures.ts";
import type { TestService } from "./service.ts";

/** The queue's real worker on the service's Redis; what is done for a job is up to the test. */
export class TestPainter {
  private constructor(
    private readonly worker: JobWorker,
    private readonly redis: Redis,
  ) {}

  static start(service: TestService, paint: (run: JobRun) => Promise<JobOutcome>): TestPainter {
    const redis = connectForWork(service.config.redisUrl);
    const worker = new JobWorker(redis, service.keys, paint, { name: "painter" });
    worker.start();
    return new TestPainter(worker, redis);
  }

  async stop(): Promise<void> {
    await this.worker.close(2_000);
    this.redis.disconnect();
  }
}

/** Stores a picture of the job's size and format as its result, without painting. */
export async function succeed(service: TestService, { record }: JobRun): Promise<JobOutcome> {
  const { size, output } = record.options;
  const format: PictureType = output.format;
  const bytes = await draw({ width: size, height: size / 2 })
    .toFormat(format)
    .toBuffer();
  const key = `jobs/${record.id}/result`;
  await service.store.put(key, bytes);
  const result = { key, media_type: MEDIA_TYPES[format], bytes: bytes.length, width: size, height: size / 2 };
  return { type: "succeeded", fields: { result } };
}
