import { setTimeout as sleep } from "node:timers/promises";
import { type Job, WaitingError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { countJobTime } from "../src/jobs/metrics/job-times.ts";
import { JobChanges } from "../src/jobs/records/job-changes.ts";
import { RecordStore } from "../src/jobs/records/record-store.ts";
import { JobScheduler } from "../src/jobs/scheduling/job-scheduler.ts";
import {
  type Capacity,
  fits,
  promoteFirstMatching,
  requirementsOf,
} from "../src/jobs/scheduling/requirements.ts";
import { QUEUE_NAME, type RedisKeys } from "../src/redis/keys.ts";
import { Attempt, type AttemptTools } from "./job/attempt.ts";
import type { JobOutcome, JobRun } from "./job/job-run.ts";

/** How often a worker that fits none of the waiting jobs looks again. */
const PASS_OVER_MS = 1_000;

export interface JobWorkerSettings {
  /** Name of the worker, as it stands in records. */
  name: string;
  /** Time without renewal after which another worker may take the job, in ms. */
  lockMs?: number;
  /** How long a job is kept after its end where its owner did not say. */
  keepSeconds?: number;
  /** Longest edge of the results that it takes, in pixels; all where it is not given. */
  largestSize?: () => number;
  onError?: (error: Error) => void;
}

/**
 * Takes jobs one at a time and moves their records through their states; what is done for a job is up to `process`, which
 * must end soon after its signal is aborted.
 */
export class JobWorker {
  private readonly worker: Worker;
  private readonly records: RecordStore;
  private readonly changes: JobChanges;
  private readonly dispatch: JobScheduler;
  private readonly attemptTools: AttemptTools;
  /** The one that is under way. */
  private attempt: Attempt | null = null;
  private readonly stopped = new AbortController();
  private passedOver: string | null = null;

  /** @param redis a connection made by `connectForWork`, which is closed by its owner after `close` */
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    process: (run: JobRun) => Promise<JobOutcome>,
    private readonly settings: JobWorkerSettings,
  ) {
    const lockDuration = settings.lockMs ?? 20_000;
    this.records = new RecordStore(redis, keys, settings.keepSeconds);
    this.attemptTools = {
      name: settings.name,
      records: this.records,
      process,
      countTime: (outcome, seconds) => countJobTime(redis, keys, outcome, seconds),
      onError: settings.onError,
    };
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChanges(subscriber, keys);
    this.dispatch = new JobScheduler(redis, keys);
    this.worker = new Worker(QUEUE_NAME, (job, token) => this.take(job, token ?? ""), {
      connection: redis,
      prefix: keys.prefix,
      name: settings.name,
      autorun: false,
      concurrency: 1,
      lockDuration,
      stalledInterval: lockDuration / 2,
      // How often a job may lose its worker is counted in its record, which a client sees.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      drainDelay: 1,
      runRetryDelay: 1_000,
    });
    this.worker.on("error", (error) => {
      // BullMQ goes on holding what was given back while this worker waits for what fits.
      if (error.message === `could not renew lock for job ${this.passedOver}`) return;
      settings.onError?.(error);
    });
    this.worker.on("completed", ({ id = "" }) => this.dispatchAgain(id));
  }

  /** Begins to take jobs, or does so again after `pause`. */
  start(): void {
    if (this.worker.isPaused()) this.worker.resume();
    else if (!this.worker.isRunning()) {
      this.worker.run().catch((error: unknown) => this.settings.onError?.(error as Error));
    }
  }

  /** Takes no more jobs for now; the current one goes on. */
  async pause(): Promise<void> {
    await this.worker.pause(true);
  }

  /** The id of the job that is being worked at. */
  get job(): string | null {
    return this.attempt?.id ?? null;
  }

  /** Takes no more jobs, hands the current one back, and resolves when that is done or `withinMs` are over. */
  async close(withinMs: number): Promise<void> {
    this.stopped.abort();
    this.attempt?.stop("stopping");
    const late = new Promise<"late">((resolve) => {
      setTimeout(resolve, withinMs, "late").unref();
    });
    // Where Redis is away the lock runs out by itself, and another worker goes on from the last checkpoint.
    await Promise.race([this.closed(), late]);
    this.changes.close();
  }

  private async closed(): Promise<void> {
    await this.pause();
    await this.worker.close();
    await this.dispatch.close();
  }

  private async take(job: Job, token: string): Promise<void> {
    const id = job.id ?? "";
    const demand = await requirementsOf(this.redis, this.keys, id);
    if (demand && !fits(demand, this.capacity)) {
      return this.giveBack(job, token);
    }
    if (!(await this.work(id))) return;
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** Makes an attempt at a job. Gives whether it waits again. */
  private async work(id: string): Promise<boolean> {
    const attempt = new Attempt(id, this.attemptTools);
    this.attempt = attempt;
    if (this.stopped.signal.aborted) attempt.stop("stopping");
    let unwatch = async () => {};
    try {
      // Before the start, so that no cancellation falls between the two.
      unwatch = await this.changes.watch(id, (change) => attempt.hear(change));
      return await attempt.make();
    } finally {
      this.attempt = null;
      await unwatch();
    }
  }

  /** A job that was wanted again between the last look at its record and BullMQ's letting go of it. */
  private async dispatchAgain(id: string): Promise<void> {
    try {
      const record = await this.records.find(id);
      if (record?.status === "queued") await this.dispatch.add(record);
    } catch (error) {
      this.settings.onError?.(error as Error);
    }
  }

  private get capacity(): Capacity {
    return { largestSize: this.settings.largestSize?.() ?? Number.MAX_SAFE_INTEGER };
  }

  /**
   * Gives a job back before anything was begun: its record knows nothing of it. It is there for other workers; BullMQ takes
   * the next one when there is one that fits.
   */
  private async giveBack(job: Job, token: string): Promise<never> {
    await job.moveToWait(token);
    this.passedOver = job.id ?? null;
    await this.promoteFirstMatching();
    this.passedOver = null;
    throw new WaitingError();
  }

  /** Sees to it that the next job is one that fits, as soon as there is one. */
  private async promoteFirstMatching(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      if (await promoteFirstMatching(this.redis, this.keys, this.capacity).catch(() => false)) return;
      await sleep(PASS_OVER_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
