import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Job, WaitingError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { JobErrorCode } from "../../contract/problems.ts";
import { bringForward, type Capacity, demandOf, fits, ownCapacity, takesAll } from "../dispatch/capacity.ts";
import { Dispatch } from "../dispatch/dispatch.ts";
import { QUEUE_NAME, type QueueKeys } from "../keys.ts";
import { JobChanges } from "../records/changes.ts";
import type { JobFields, JobRecord } from "../records/job-record.ts";
import { isFinal } from "../records/job-states.ts";
import { RecordStore } from "../records/record-store.ts";
import { countJobTime } from "./job-times.ts";
import { shortenLocks } from "./shorten-locks.ts";
import { SteeringWatch } from "./steering-watch.ts";

/** Starts that a job gets before it counts as one that no engine survives. */
export const MAXIMUM_ATTEMPTS = 3;

/** How often a worker that fits none of the waiting jobs looks again. */
const PASS_OVER_MS = 1_000;

/**
 * Why a run is to stop. `canceled`: its owner wants no more of it. `stopping`: this worker ends, the job goes on
 * elsewhere. `lost`: another worker has taken the job over, or it was deleted.
 */
export type StopReason = "canceled" | "stopping" | "lost";

/** One attempt at a job. */
export interface JobRun {
  record: JobRecord;
  /** Names this attempt among all. */
  token: string;
  /** Aborted with a `StopReason`. */
  signal: AbortSignal;
  /** Writes into the record, unless the job is no longer this run's: then the signal is aborted. */
  update(fields: JobFields): Promise<void>;
  /** Calls back with the record, which is the run's from then on, whenever the job's options were changed. */
  onSteered(listener: (record: JobRecord) => void): void;
}

export type JobOutcome = (
  | { type: "succeeded"; fields: JobFields }
  | { type: "failed"; code: JobErrorCode; message: string }
  /** The attempt is lost through no fault of the job's: to be tried again while attempts are left. */
  | { type: "crashed"; code: JobErrorCode; message: string }
  /** The signal was aborted, and all that is worth keeping is stored. */
  | { type: "stopped" }
) & {
  /** Called with the record as it is after the outcome was written, or was refused. */
  afterwards?: (record: JobRecord | null) => Promise<void>;
};

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
 * Takes jobs one at a time and moves their records through their states; what is done for a job is up to
 * `process`, which must end soon after its signal is aborted.
 */
export class JobWorker {
  private readonly worker: Worker;
  private readonly records: RecordStore;
  private readonly changes: JobChanges;
  private readonly dispatch: Dispatch;
  private current: { id: string; stop: AbortController } | null = null;
  private readonly stopped = new AbortController();
  private readonly lockMs: number;
  private lockWatch: NodeJS.Timeout | null = null;
  private passedOver: string | null = null;

  /** @param redis a connection made by `connectForWork`, which is closed by its owner after `close` */
  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
    private readonly process: (run: JobRun) => Promise<JobOutcome>,
    private readonly settings: JobWorkerSettings,
  ) {
    const lockDuration = settings.lockMs ?? 20_000;
    this.lockMs = lockDuration;
    this.records = new RecordStore(redis, keys, settings.keepSeconds);
    const subscriber = redis.duplicate();
    subscriber.on("error", () => undefined);
    this.changes = new JobChanges(subscriber, keys);
    this.dispatch = new Dispatch(redis, keys);
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
    this.worker.on("completed", ({ id = "" }) => {
      this.dispatchAgain(id).catch((error: Error) => settings.onError?.(error));
    });
  }

  /** Begins to take jobs, or does so again after `pause`. */
  start(): void {
    this.lockWatch ??= setInterval(() => {
      shortenLocks(this.redis, this.keys, this.lockMs).catch(() => undefined);
    }, this.lockMs).unref();
    if (this.worker.isPaused()) this.worker.resume();
    else if (!this.worker.isRunning()) {
      this.worker.run().catch((error: unknown) => this.settings.onError?.(error as Error));
    }
  }

  /** Takes no more jobs for now; the current one goes on. */
  async pause(): Promise<void> {
    await this.worker.pause(true);
  }

  /** The job that is being worked at. */
  get job(): string | null {
    return this.current?.id ?? null;
  }

  /** Takes no more jobs, hands the current one back, and resolves when that is done or `withinMs` are over. */
  async close(withinMs: number): Promise<void> {
    this.stopped.abort();
    if (this.lockWatch) clearInterval(this.lockWatch);
    this.current?.stop.abort("stopping" satisfies StopReason);
    const late = new Promise<"late">((resolve) => {
      setTimeout(resolve, withinMs, "late").unref();
    });
    // Where Redis is away the lock runs out by itself, and another worker goes on from the last checkpoint.
    await Promise.race([this.worker.close().then(() => this.dispatch.close()), late]);
    this.changes.close();
  }

  private async take(job: Job, token: string): Promise<void> {
    const id = job.id ?? "";
    if (!(await this.isFitting(id))) {
      await this.passOver(job, token);
      throw new WaitingError();
    }
    const run = randomUUID();
    const stop = new AbortController();
    this.current = { id, stop };
    if (this.stopped.signal.aborted) stop.abort("stopping" satisfies StopReason);
    // Before the start, so that no cancellation falls between the two.
    const steering = new SteeringWatch(() => this.records.find(id));
    const unwatch = await this.changes.watch(id, ({ status, steered }) => {
      void steering.hear(steered);
      if (status !== "running")
        stop.abort((status === "canceled" ? "canceled" : "lost") satisfies StopReason);
    });
    let again = false;
    try {
      const record = await this.begin(id, run);
      const outcome = record && (await this.attempt(record, run, stop, steering));
      if (outcome) await this.finish(record, run, outcome);
      const left = await this.records.find(id);
      // Handed back; or canceled and then wanted again while this attempt was still ending.
      again = left?.status === "queued";
      await outcome?.afterwards?.(left).catch((error: Error) => this.settings.onError?.(error));
    } finally {
      this.current = null;
      await unwatch();
    }
    if (!again) {
      if (!takesAll(this.capacity)) await this.prepareNext();
      return;
    }
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** A job that was wanted again between the last look at its record and BullMQ's letting go of it. */
  private async dispatchAgain(id: string): Promise<void> {
    const record = await this.records.find(id);
    if (record?.status === "queued") await this.dispatch.add(record);
  }

  private get capacity(): Capacity {
    return ownCapacity(this.settings.largestSize?.() ?? Number.MAX_SAFE_INTEGER);
  }

  private async isFitting(id: string): Promise<boolean> {
    const demand = await demandOf(this.redis, this.keys, id);
    return demand === null || fits(demand, this.capacity);
  }

  /**
   * Gives a job back that another worker must take, before anything was begun: its record knows nothing of it. Resolves
   * when there is one that fits, which is then taken next; until then the job is there for the others.
   */
  private async passOver(job: Job, token: string): Promise<void> {
    await job.moveToWait(token);
    this.passedOver = job.id ?? null;
    while (!this.stopped.signal.aborted && !(await this.prepareNext())) {
      await sleep(PASS_OVER_MS, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
    this.passedOver = null;
  }

  /** Sees to it that the next job is one that fits. Gives false where none does. */
  private async prepareNext(): Promise<boolean> {
    return bringForward(this.redis, this.keys, this.capacity).catch(() => false);
  }

  /** Makes the job this run's. Gives null where there is nothing to do: it was canceled, or ended elsewhere. */
  private async begin(id: string, run: string): Promise<JobRecord | null> {
    for (;;) {
      const record = await this.records.find(id);
      if (!record || isFinal(record.status)) return null;
      // It had begun, and Redis went away before it could say so: the same command came a second time.
      if (record.run === run) return record;
      const { revision } = record;
      if (record.attempts >= MAXIMUM_ATTEMPTS) {
        const message = `The worker died at each of ${record.attempts} attempts`;
        const error = { code: "engine_crashed" as const, message };
        const ended = { error, finished_at: new Date().toISOString(), run: null };
        if (await this.records.transition(id, "fail", ended, { revision })) return null;
        continue;
      }
      const fields = {
        run,
        worker: this.settings.name,
        attempts: record.attempts + 1,
        started_at: record.started_at ?? new Date().toISOString(),
      };
      if (await this.records.transition(id, "start", fields, { revision })) {
        return { ...record, ...fields, status: "running", revision: revision + 1 };
      }
    }
  }

  private async attempt(
    record: JobRecord,
    token: string,
    stop: AbortController,
    steering: SteeringWatch,
  ): Promise<JobOutcome> {
    steering.begin(record.steered);
    const update = async (fields: JobFields) => {
      if (!(await this.records.update(record.id, token, fields))) stop.abort("lost" satisfies StopReason);
    };
    try {
      const run: JobRun = {
        record,
        token,
        signal: stop.signal,
        update,
        onSteered: (listener) =>
          steering.listen((steered) => {
            run.record = steered;
            listener(steered);
          }),
      };
      return await this.process(run);
    } catch (error) {
      if (stop.signal.aborted) return { type: "stopped" };
      this.settings.onError?.(error as Error);
      return { type: "crashed", code: "engine_failed", message: "The worker could not finish the job" };
    }
  }

  /** For the metrics alone: that it fails is no matter of the job's. */
  private async countTime(outcome: "succeeded" | "failed", { started_at }: JobRecord): Promise<void> {
    const seconds = (Date.now() - Date.parse(started_at ?? "")) / 1000;
    if (seconds >= 0) await countJobTime(this.redis, this.keys, outcome, seconds).catch(() => undefined);
  }

  /** Writes how the attempt ended. Where the job is no longer this run's, the record stays as it is. */
  private async finish(record: JobRecord, run: string, outcome: JobOutcome): Promise<void> {
    const { id, attempts } = record;
    const ended = { finished_at: new Date().toISOString(), run: null };
    if (outcome.type === "succeeded") {
      const fields = { ...outcome.fields, error: null, ...ended };
      if (await this.records.transition(id, "succeed", fields, { run }))
        await this.countTime("succeeded", record);
    } else if (outcome.type === "stopped") {
      await this.records.transition(id, "hand_back", { attempts: attempts - 1, run: null }, { run });
    } else if (outcome.type === "crashed" && attempts < MAXIMUM_ATTEMPTS) {
      await this.records.transition(id, "hand_back", { run: null }, { run });
    } else {
      const error = { code: outcome.code, message: outcome.message };
      const fields = { error, checkpoint: null, ...ended };
      if (await this.records.transition(id, "fail", fields, { run })) await this.countTime("failed", record);
    }
  }
}
