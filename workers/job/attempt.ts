import { randomUUID } from "node:crypto";
import type { JobDurations } from "../../src/jobs/metrics/job-durations.ts";
import type { JobChange } from "../../src/jobs/records/job-change-subscriber.ts";
import type { JobFields, JobRecord } from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import type { RecordStore } from "../../src/jobs/records/record-store.ts";
import type { AttemptContext, JobOutcome, StopReason } from "./attempt-context.ts";
import { OptionsWatcher } from "./options-watcher.ts";

/** A job that crashes this often fails: no engine survives it. */
export const MAXIMUM_ATTEMPTS = 3;

export interface AttemptDeps {
  workerName: string;
  records: RecordStore;
  process: (attempt: AttemptContext) => Promise<JobOutcome>;
  /** Records a job's duration for the metrics. */
  countDuration: (outcome: JobDurations["outcome"], seconds: number) => Promise<void>;
  onError?: ((error: Error) => void) | undefined;
}

/** One attempt at a job: claims the job, processes it, and writes the outcome to its record. */
export class Attempt {
  private readonly attemptId = randomUUID();
  private readonly stopped = new AbortController();
  private readonly finishing = new AbortController();
  private readonly options: OptionsWatcher;

  constructor(
    readonly jobId: string,
    private readonly deps: AttemptDeps,
  ) {
    this.options = new OptionsWatcher(() => deps.records.find(jobId));
  }

  stop(reason: StopReason): void {
    this.stopped.abort(reason);
  }

  /** Reacts to a change of the job, by this attempt or by anybody else. */
  onChange({ status, options_version, finish_requested }: JobChange): void {
    if (finish_requested) this.finishing.abort();
    void this.options.onVersion(options_version);
    if (status !== "running") this.stop(status === "canceled" ? "canceled" : "lost");
  }

  /** Runs the attempt. Resolves to whether the job is queued again. */
  async run(): Promise<boolean> {
    const claimed = await this.claim();
    const outcome = claimed && (await this.process(claimed));
    if (outcome) await this.writeOutcome(claimed, outcome);
    const record = await this.deps.records.find(this.jobId);
    await outcome?.cleanUp?.(record).catch((error: Error) => this.deps.onError?.(error));
    // Either the attempt returned it, or it was canceled and retried before the attempt ended.
    return record?.status === "queued";
  }

  /** Starts the job in this attempt's name. Resolves to null if the job has ended in the meantime. */
  private async claim(): Promise<JobRecord | null> {
    const { jobId, attemptId } = this;
    const { records, workerName } = this.deps;
    for (;;) {
      const record = await records.find(jobId);
      if (!record || isFinal(record.status)) return null;
      // The claim succeeded, but its reply was lost with the connection to Redis.
      if (record.attempt_id === attemptId) return record;
      const { revision } = record;
      if (record.attempts >= MAXIMUM_ATTEMPTS) {
        const message = `The worker died at each of ${record.attempts} attempts`;
        const error = { code: "engine_crashed" as const, message };
        const fields = { error, finished_at: new Date().toISOString(), attempt_id: null };
        if (await records.transition(jobId, "fail", fields, { revision })) return null;
        continue;
      }
      const fields = {
        attempt_id: attemptId,
        worker: workerName,
        attempts: record.attempts + 1,
        started_at: record.started_at ?? new Date().toISOString(),
      };
      if (await records.transition(jobId, "start", fields, { revision })) {
        return { ...record, ...fields, status: "running", revision: revision + 1 };
      }
    }
  }

  private async process(record: JobRecord): Promise<JobOutcome> {
    const { attemptId, deps, options, stopped } = this;
    options.start(record.options_version);
    if (record.finish_requested) this.finishing.abort();
    const update = async (fields: JobFields) => {
      if (!(await deps.records.update(record.id, attemptId, fields))) this.stop("lost");
    };
    const context: AttemptContext = {
      record,
      attemptId,
      signal: stopped.signal,
      finishRequested: this.finishing.signal,
      update,
      onOptionsChanged: (listener) =>
        options.subscribe((changed) => {
          context.record = changed;
          listener(changed);
        }),
    };
    try {
      return await deps.process(context);
    } catch (error) {
      if (stopped.signal.aborted) return { type: "stopped" };
      deps.onError?.(error as Error);
      return { type: "crashed", code: "engine_failed", message: "The worker could not finish the job" };
    } finally {
      options.stop();
    }
  }

  /** Writes the outcome. The record stays as it is if the job no longer belongs to this attempt. */
  private async writeOutcome(record: JobRecord, outcome: JobOutcome): Promise<void> {
    const { records } = this.deps;
    const { id, attempts } = record;
    const own = { attempt_id: this.attemptId };
    const ended = { finished_at: new Date().toISOString(), attempt_id: null };
    if (outcome.type === "succeeded") {
      const fields = { ...outcome.fields, error: null, ...ended };
      if (await records.transition(id, "succeed", fields, own)) await this.countDuration("succeeded", record);
    } else if (outcome.type === "stopped") {
      await records.transition(id, "requeue", { attempts: attempts - 1, attempt_id: null }, own);
    } else if (outcome.type === "crashed" && attempts < MAXIMUM_ATTEMPTS) {
      await records.transition(id, "requeue", { attempt_id: null }, own);
    } else {
      const error = { code: outcome.code, message: outcome.message };
      const fields = { error, checkpoint: null, ...ended };
      if (await records.transition(id, "fail", fields, own)) await this.countDuration("failed", record);
    }
  }

  /** Errors are ignored: only a metric is lost. */
  private async countDuration(outcome: JobDurations["outcome"], { started_at }: JobRecord): Promise<void> {
    const seconds = (Date.now() - Date.parse(started_at ?? "")) / 1000;
    if (seconds >= 0) await this.deps.countDuration(outcome, seconds).catch(() => undefined);
  }
}
