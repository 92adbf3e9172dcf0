import { setTimeout as sleep } from "node:timers/promises";
import { type Job, WaitingError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { recordJobDuration } from "../src/jobs/metrics/job-durations.ts";
import { JobChangeSubscriber } from "../src/jobs/records/job-change-subscriber.ts";
import { RecordStore } from "../src/jobs/records/record-store.ts";
import { JobScheduler } from "../src/jobs/scheduling/job-scheduler.ts";
import { fits } from "../src/jobs/scheduling/worker-fit.ts";
import { JOB_QUEUE_NAME, type RedisKeys } from "../src/redis/keys.ts";
import { Attempt, type AttemptDeps } from "./job/attempt.ts";
import type { AttemptContext, JobOutcome } from "./job/attempt-context.ts";

/** How often a worker looks for a job that fits while none of the queued jobs does. */
const POLL_INTERVAL_MS = 1_000;

export interface JobWorkerSettings {
  /** Name of the worker in the jobs' records. */
  name: string;
  /** Time without a lock renewal after which another worker may take over the job. */
  lockMs?: number;
  /** How long a job is kept after its end, unless its owner said otherwise. */
  keepSeconds?: number;
  /** Longest edge in pixels of the results that this worker takes; without it all. */
  largestSize?: () => number;
  onError?: (error: Error) => void;
}

/**
 * Takes jobs from the queue one at a time and makes an attempt at each. `process` does the work, and must end soon after
 * its signal is aborted.
 */
export class JobWorker {
  private readonly worker: Worker;
  private readonly records: RecordStore;
  private readonly changes: JobChangeSubscriber;
  private readonly scheduler: JobScheduler;
  private readonly attemptDeps: AttemptDeps;
  private attempt: Attempt | null = null;
  private readonly stopped = new AbortController();
  /** The job that was too large and returned to the queue, while this worker waits for one that fits. */
  private skipped: string | null = null;

  /** @param redis a connection from `connectForWork`, which the caller closes after `close` */
  constructor(
    redis: Redis,
    keys: RedisKeys,
    process: (attempt: AttemptContext) => Promise<JobOutcome>,
    private readonly settings: JobWorkerSettings,
  ) {
    this.records = new RecordStore(redis, keys, settings.keepSeconds);
    this.attemptDeps = {
      workerName: settings.name,
      records: this.records,
      process,
      countDuration: (outcome, seconds) => recordJobDuration(redis, keys, outcome, seconds),
      onError: settings.onError,
    };
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChangeSubscriber(subscriber, keys);
    this.scheduler = new JobScheduler(redis, keys);
    const lockDuration = settings.lockMs ?? 20_000;
    this.worker = new Worker(JOB_QUEUE_NAME, (job, token) => this.take(job, token ?? ""), {
      connection: redis,
      prefix: keys.prefix,
      name: settings.name,
      autorun: false,
      concurrency: 1,
      lockDuration,
      stalledInterval: lockDuration / 2,
      // The job's record counts the attempts, so that clients see them.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      drainDelay: 1,
      runRetryDelay: 1_000,
    });
    this.worker.on("error", (error) => {
      // BullMQ still renews the lock of the skipped job, which has returned to the queue.
      if (error.message === `could not renew lock for job ${this.skipped}`) return;
      settings.onError?.(error);
    });
    this.worker.on("completed", ({ id = "" }) => this.requeueRetried(id));
  }

  /** Starts to take jobs, or resumes after `pause`. */
  start(): void {
    if (this.worker.isPaused()) this.worker.resume();
    else if (!this.worker.isRunning()) {
      this.worker.run().catch((error: unknown) => this.settings.onError?.(error as Error));
    }
  }

  /** Takes no more jobs until `start`; the current job continues. */
  async pause(): Promise<void> {
    await this.worker.pause(true);
  }

  /** The id of the current job. */
  get job(): string | null {
    return this.attempt?.jobId ?? null;
  }

  /** Takes no more jobs and returns the current one to the queue. Resolves when that is done, or after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.stopped.abort();
    this.attempt?.stop("stopping");
    const timeout = new Promise<void>((resolve) => {
      setTimeout(resolve, timeoutMs).unref();
    });
    // If Redis is unreachable the lock expires, and another worker continues from the last checkpoint.
    await Promise.race([this.closeWorker(), timeout]);
    this.changes.close();
  }

  private async closeWorker(): Promise<void> {
    await this.pause();
    await this.worker.close();
    await this.scheduler.close();
  }

  /** BullMQ's processor. */
  private async take(job: Job, token: string): Promise<void> {
    const id = job.id ?? "";
    const record = await this.records.find(id);
    if (record && !fits(record, { largest_size: this.largestSize })) return this.skip(job, token);
    if (!(await this.makeAttempt(id))) return;
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** Resolves to whether the job is queued again. */
  private async makeAttempt(id: string): Promise<boolean> {
    const attempt = new Attempt(id, this.attemptDeps);
    this.attempt = attempt;
    if (this.stopped.signal.aborted) attempt.stop("stopping");
    let unwatch = async () => {};
    try {
      // Watches before the attempt claims the job, so that it misses no cancellation.
      unwatch = await this.changes.watch(id, (change) => attempt.onChange(change));
      return await attempt.run();
    } finally {
      this.attempt = null;
      await unwatch();
    }
  }

  /** Queues a job again that was retried after the attempt had read its record, but before BullMQ removed it. */
  private async requeueRetried(id: string): Promise<void> {
    try {
      const record = await this.records.find(id);
      if (record?.status === "queued") await this.scheduler.add(record);
    } catch (error) {
      this.settings.onError?.(error as Error);
    }
  }

  private get largestSize(): number {
    return this.settings.largestSize?.() ?? Number.MAX_SAFE_INTEGER;
  }

  /** Returns a job that is too large to the queue, for other workers, and waits until there is one that fits. */
  private async skip(job: Job, token: string): Promise<never> {
    await job.moveToWait(token);
    this.skipped = job.id ?? null;
    await this.waitForMatch();
    this.skipped = null;
    throw new WaitingError();
  }

  /** Moves the first job that fits to the front of the queue, where BullMQ takes it next. */
  private async waitForMatch(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      if (await this.scheduler.promoteFirstMatching(this.largestSize).catch(() => false)) return;
      await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
