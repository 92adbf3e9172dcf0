import { rename, writeFile } from "node:fs/promises";
import { isFinal, type Job, JobFailedError } from "../client/index.ts";
import type { Connection } from "./connection.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { askWhatNow, onInterruption } from "./interruption.ts";
import { duration, ProgressLine } from "./progress-line.ts";
import { canRedraw, colors, type Terminal, writeJson } from "./terminal.ts";

export interface PaintingsFlags {
  /** Only submits, and tells the ids. */
  detach?: boolean;
  json?: boolean;
}

/** A job that a command asks for, and the file that its picture goes to. */
export interface Asked {
  name: string;
  output: string;
  submit: (signal: AbortSignal) => Promise<Job>;
}

/** The paintings of one command, side by side: submitted, followed, written to their files. */
export class Paintings {
  private readonly left = new AbortController();
  private readonly open = new Map<string, Job>();
  private readonly line: ProgressLine;

  constructor(
    private readonly terminal: Terminal,
    private readonly connection: Connection,
    private readonly flags: PaintingsFlags,
  ) {
    this.line = new ProgressLine(terminal);
  }

  async run(list: Asked[]): Promise<void> {
    const stopListening = onInterruption(
      () => this.interrupted(),
      () => this.left.abort(),
    );
    try {
      const ends = await Promise.allSettled(list.map((asked) => this.one(asked)));
      this.line.end();
      if (this.left.signal.aborted) {
        throw new CommandError(
          `Left running: ${[...this.open.keys()].map((id) => `nst watch ${id}`).join(", ")}`,
          EXIT.interrupted,
        );
      }
      const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
      if (failures.length === 0) return;
      for (const failure of failures.slice(1))
        this.terminal.err.write(`${String(failure.message ?? failure)}\n`);
      throw failures[0];
    } finally {
      stopListening();
    }
  }

  private async one({ name, output, submit }: Asked): Promise<void> {
    const { painter } = this.connection;
    const { signal } = this.left;
    const submitted = await submit(signal);
    this.open.set(submitted.id, submitted);
    if (this.flags.detach) return this.told({ job: submitted, file: null }, `${submitted.id}  ${name}`);
    const job = await painter.wait(submitted.id, {
      signal,
      patienceMs: PATIENCE_MS,
      onUpdate: ({ job: now }) => this.line.update(name, now),
      onConnection: (connected) => {
        if (!connected) this.line.say("The connection is lost; trying again. The job goes on meanwhile.");
      },
    });
    this.open.delete(job.id);
    if (job.status === "canceled") throw new CommandError(`${name}: canceled`, EXIT.jobCanceled);
    if (job.status !== "succeeded") {
      throw new CommandError(`${name}: ${new JobFailedError(job).message}`, EXIT.jobFailed);
    }
    await write(output, await painter.result(job.id, { signal }));
    const took = Date.parse(job.finished_at ?? "") - Date.parse(job.started_at ?? "");
    this.told({ job, file: output }, `${output}  ${colors(this.terminal).dim(duration(took / 1000))}`);
  }

  private told(result: { job: Job; file: string | null }, text: string): void {
    if (this.flags.json) writeJson(this.terminal, result);
    else this.line.say(text);
  }

  private async interrupted(): Promise<void> {
    const jobs = [...this.open.values()].filter((job) => !isFinal(job));
    const choice = await this.choose(jobs.length);
    if (choice === "leave") this.left.abort();
    if (choice === "cancel") {
      await Promise.allSettled(jobs.map(({ id }) => this.connection.painter.cancel(id)));
    }
  }

  /** Without a terminal nobody can be asked; a service of the command's own cannot go on without it. */
  private async choose(jobs: number) {
    if (this.connection.embedded) return "cancel";
    if (!canRedraw(this.terminal) || this.terminal.input.isTTY !== true) return "leave";
    return await askWhatNow(this.terminal, jobs);
  }
}

/** A restart of the service is waited for, its end for good is not. */
const PATIENCE_MS = 120_000;

/** Whole or not at all: a picture half written is no picture. */
async function write(path: string, picture: Blob): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, Buffer.from(await picture.arrayBuffer())).catch((error: Error) => {
    throw new CommandError(`The picture cannot be written: ${error.message}`, EXIT.failed);
  });
  await rename(partial, path);
}
