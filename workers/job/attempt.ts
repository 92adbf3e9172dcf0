import { randomUUID } from "node:crypto";
import type { JobTimes } from "../../src/jobs/metrics/job-times.ts";
import type { JobChange } from "../../src/jobs/records/job-changes.ts";
import type { JobFields, JobRecord } from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import type { RecordStore } from "../../src/jobs/records/record-store.ts";
import type { JobOutcome, JobRun, StopReason } from "./job-run.ts";
import { SteeringWatch } from "./steering-watch.ts";

/** Starts that a job gets before it counts as one that no engine survives. */
export const MAXIMUM_ATTEMPTS = 3;

/** What attempts need of their worker. */
export interface AttemptTools {
  /** Of the worker, as it stands in records. */
  name: string;
  records: RecordStore;
  process: (run: JobRun) => Promise<JobOutcome>;
  countTime: (outcome: JobTimes["outcome"], seconds: number) => Promise<void>;
  onError?: ((error: Error) => void) | undefined;
}

/** One start of a job: its record is moved from state to state, and is this attempt's alone in between. */
export class Attempt {
  private readonly token = randomUUID();
  private readonly stopped = new AbortController();
  private readonly steering: SteeringWatch;

  constructor(
    readonly id: string,
    private readonly tools: AttemptTools,
  ) {
    this.steering = new SteeringWatch(() => tools.records.find(id));
  }

  stop(reason: StopReason): void {
    this.stopped.abort(reason);
  }

  /** Takes in a change of the job, whoever made it. */
  hear({ status, steered }: JobChange): void {
    void this.steering.hear(steered);
    if (status !== "running") this.stop(status === "canceled" ? "canceled" : "lost");
  }

  /** Begins the job, has it worked at, and writes how that ended. Gives whether the job waits again. */
  async make(): Promise<boolean> {
    const record = await this.begin();
    const outcome = record && (await this.work(record));
    if (outcome) await this.end(record, outcome);
    const left = await this.tools.records.find(this.id);
    await outcome?.afterwards?.(left).catch((error: Error) => this.tools.onError?.(error));
    // Handed back; or canceled and then wanted again while this attempt was still ending.
    return left?.status === "queued";
  }

  /** Makes the job this attempt's. Gives null where there is nothing to do: it was canceled, or ended elsewhere. */
  private async begin(): Promise<JobRecord | null> {
    const { id, token: run } = this;
    const { records, name } = this.tools;
    for (;;) {
      const record = await records.find(id);
      if (!record || isFinal(record.status)) return null;
      // It had begun, and Redis went away before it could say so: the same command came a second time.
      if (record.run === run) return record;
      const { revision } = record;
      if (record.attempts >= MAXIMUM_ATTEMPTS) {
        const message = `The worker died at each of ${record.attempts} attempts`;
        const error = { code: "engine_crashed" as const, message };
        const ended = { error, finished_at: new Date().toISOString(), run: null };
        if (await records.transition(id, "fail", ended, { revision })) return null;
        continue;
      }
      const fields = {
        run,
        worker: name,
        attempts: record.attempts + 1,
        started_at: record.started_at ?? new Date().toISOString(),
      };
      if (await records.transition(id, "start", fields, { revision })) {
        return { ...record, ...fields, status: "running", revision: revision + 1 };
      }
    }
  }

  private async work(record: JobRecord): Promise<JobOutcome> {
    const { token, tools, steering, stopped } = this;
    steering.begin(record.steered);
    const update = async (fields: JobFields) => {
      if (!(await tools.records.update(record.id, token, fields))) this.stop("lost");
    };
    try {
      const run: JobRun = {
        record,
        token,
        signal: stopped.signal,
        update,
        onSteered: (listener) =>
          steering.listen((steered) => {
            run.record = steered;
            listener(steered);
          }),
      };
      return await tools.process(run);
    } catch (error) {
      if (stopped.signal.aborted) return { type: "stopped" };
      tools.onError?.(error as Error);
      return { type: "crashed", code: "engine_failed", message: "The worker could not finish the job" };
    } finally {
      steering.end();
    }
  }

  /** Writes how the attempt ended. Where the job is no longer this attempt's, the record stays as it is. */
  private async end(record: JobRecord, outcome: JobOutcome): Promise<void> {
    const { records } = this.tools;
    const { id, attempts } = record;
    const own = { run: this.token };
    const ended = { finished_at: new Date().toISOString(), run: null };
    if (outcome.type === "succeeded") {
      const fields = { ...outcome.fields, error: null, ...ended };
      if (await records.transition(id, "succeed", fields, own)) await this.countTime("succeeded", record);
    } else if (outcome.type === "stopped") {
      await records.transition(id, "hand_back", { attempts: attempts - 1, run: null }, own);
    } else if (outcome.type === "crashed" && attempts < MAXIMUM_ATTEMPTS) {
      await records.transition(id, "hand_back", { run: null }, own);
    } else {
      const error = { code: outcome.code, message: outcome.message };
      const fields = { error, checkpoint: null, ...ended };
      if (await records.transition(id, "fail", fields, own)) await this.countTime("failed", record);
    }
  }

  /** For the metrics alone: that it fails is no matter of the job's. */
  private async countTime(outcome: JobTimes["outcome"], { started_at }: JobRecord): Promise<void> {
    const seconds = (Date.now() - Date.parse(started_at ?? "")) / 1000;
    if (seconds >= 0) await this.tools.countTime(outcome, seconds).catch(() => undefined);
  }
}
