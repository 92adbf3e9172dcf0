import { join } from "node:path";
import { pino } from "pino";
import { readConfig } from "../../../src/config.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import type { Submission } from "../../../src/jobs/records/new-record.ts";
import { ROOT } from "../../../src/root.ts";
import type { BlobStore } from "../../../src/storage/blob-store.ts";
import { EngineProcess } from "../../../workers/engine-process/engine-process.ts";
import type { JobDeps } from "../../../workers/job/process-job.ts";
import { ThroughputEstimator } from "../../../workers/throughput-estimator.ts";
import { QueueHarness } from "../../support/harness/queue.ts";
import { submission } from "../../support/jobs.ts";
import { jpeg } from "../../support/pictures.ts";

/** A real queue and blob store, and a fake engine. The test starts the worker. */
export class FakeEngineHarness {
  private constructor(
    readonly queues: QueueHarness,
    readonly deps: JobDeps,
  ) {}

  static async start(folder: string, store: BlobStore): Promise<FakeEngineHarness> {
    const engine = new EngineProcess({
      script: join(ROOT, "dist", "test", "workers", "fake-engine.js"),
      arguments: [],
      environment: process.env,
    });
    engine.start();
    const { limits } = readConfig({});
    return new FakeEngineHarness(await QueueHarness.start(), {
      ...{ store, engine, limits, scratchDirectory: join(folder, "scratch"), checkpointMs: 60_000 },
      throughput: new ThroughputEstimator(),
      logger: pino({ level: "silent" }),
    });
  }

  /** Submits a job with its pictures; the seed decides what the fake engine does. */
  async submit(seed: number, more: Partial<Submission> = {}): Promise<JobRecord> {
    const { store } = this.deps;
    const job = submission(more);
    await store.put(job.content, await jpeg());
    for (const key of job.styles) await store.put(key, await jpeg({ seed: 2 }));
    return this.queues.queue.submit({ ...job, options: { ...job.options, seed } });
  }

  async close(): Promise<void> {
    await this.queues.close();
    await this.deps.engine.stop();
  }
}
