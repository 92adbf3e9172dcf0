import { type Job, JobFailedError } from "../clients/typescript/index.ts";
import type { Connection } from "./connection.ts";
import { CommandError, prefixError, throwErrors } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { STDOUT } from "./output-file.ts";
import { formatDuration, ProgressLine } from "./progress-line.ts";
import { writeToStdout, writeWholeFile } from "./save-file.ts";
import { askSigintChoice, handleSigint, type SigintChoice } from "./sigint.ts";
import { canRedraw, colors, type Terminal, writeJson } from "./terminal.ts";

export interface RunnerFlags {
  /** Submits and prints the ids, without waiting. */
  detach?: boolean;
  json?: boolean;
}

export interface JobRequest {
  /** Shown in the progress line and in error messages. */
  name: string;
  /** The file for the result. */
  output: string;
  submit: (signal: AbortSignal) => Promise<Job>;
}

/** The service limits each client's simultaneous uploads and event streams. */
const MAX_CONCURRENT_JOBS = 16;
/** Long enough for a restart of the service. */
const RECONNECT_TIMEOUT_MS = 120_000;

/** Submits the jobs of one command, follows them and writes their results to files. */
export class JobRunner {
  private readonly detached = new AbortController();
  private isCanceled = false;
  /** Ids of submitted jobs that have not ended. */
  private readonly active = new Set<string>();
  private readonly progress: ProgressLine;

  constructor(
    private readonly terminal: Terminal,
    private readonly connection: Connection,
    private readonly flags: RunnerFlags,
  ) {
    this.progress = new ProgressLine(terminal);
  }

  async run(requests: JobRequest[]): Promise<void> {
    const removeHandler = handleSigint(
      () => this.onSigint(),
      () => this.detached.abort(),
    );
    try {
      const errors = new Map<JobRequest, CommandError>();
      const queue = requests.values();
      const runNext = async () => {
        for (const request of queue) {
          await this.runOne(request).catch((error) => errors.set(request, prefixError(request.name, error)));
        }
      };
      await Promise.all(Array.from({ length: MAX_CONCURRENT_JOBS }, runNext));
      this.progress.end();
      if (this.detached.signal.aborted) throw this.interrupted();
      throwErrors(
        this.terminal,
        requests.flatMap((request) => errors.get(request) ?? []),
      );
    } finally {
      removeHandler();
    }
  }

  private async runOne({ name, output, submit }: JobRequest): Promise<void> {
    const { client } = this.connection;
    const { signal } = this.detached;
    signal.throwIfAborted();
    if (this.isCanceled) throw new CommandError("canceled", EXIT.jobCanceled);
    const submitted = await submit(signal);
    this.active.add(submitted.id);
    // The user may have canceled while the request was in flight.
    if (this.isCanceled) await client.cancel(submitted.id);
    if (this.flags.detach) {
      if (this.flags.json) writeJson(this.terminal, { job: submitted, file: null });
      else this.terminal.out.write(`${submitted.id}\n`);
      return;
    }
    const job = await client.wait(submitted.id, {
      signal,
      reconnectTimeoutMs: RECONNECT_TIMEOUT_MS,
      onUpdate: ({ job }) => this.progress.update(name, job),
      onConnection: (connected) => {
        if (!connected) this.progress.print("Connection lost; reconnecting. The job keeps running.");
      },
    });
    this.active.delete(job.id);
    if (job.status === "canceled") throw new CommandError("canceled", EXIT.jobCanceled);
    if (job.status !== "succeeded") throw new CommandError(new JobFailedError(job).message, EXIT.jobFailed);
    const picture = await client.result(job.id, { signal });
    if (output === STDOUT) await writeToStdout(this.terminal, picture);
    else await writeWholeFile(output, picture);
    const runMs = Date.parse(job.finished_at ?? "") - Date.parse(job.started_at ?? "");
    const time = colors(this.terminal).dim(formatDuration(runMs / 1000));
    if (this.flags.json) writeJson(this.terminal, { job, file: output });
    else this.progress.print(`${output === STDOUT ? name : output}  ${time}`);
  }

  /** The jobs of an embedded service end with it. */
  private interrupted(): CommandError {
    const commands = [...this.active].map((id) => `\n  nst watch ${id}`);
    const isLeft = commands.length > 0 && !this.connection.embedded;
    const message = isLeft
      ? `The jobs are still running. To follow them:${commands.join("")}`
      : "interrupted";
    return new CommandError(message, EXIT.interrupted);
  }

  private async onSigint(): Promise<void> {
    this.progress.pause();
    const choice = await this.choose().finally(() => this.progress.resume());
    if (choice === "detach") this.detached.abort();
    if (choice === "cancel") {
      this.isCanceled = true;
      await Promise.allSettled([...this.active].map((id) => this.connection.client.cancel(id)));
    }
  }

  /** An embedded service ends with the command, so its jobs cannot be left running. */
  private async choose(): Promise<SigintChoice> {
    if (this.connection.embedded) return "cancel";
    if (!canRedraw(this.terminal) || this.terminal.input.isTTY !== true) return "detach";
    return await askSigintChoice(this.terminal, this.active.size, this.detached.signal);
  }
}
