import { rename, writeFile } from "node:fs/promises";
import { type Job, JobFailedError } from "../clients/typescript/index.ts";
import type { Connection } from "./connection.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { failureOf, throwFailures } from "./failures.ts";
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

/** Paintings under way at once: a service lets in only so many uploads, and clients that follow a job. */
const AT_ONCE = 16;

/** The paintings of one command, side by side: submitted, followed, written to their files. */
export class Paintings {
  private readonly left = new AbortController();
  private isCanceled = false;
  /** Ids of the jobs that have not ended. */
  private readonly open = new Set<string>();
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
      const failures = new Map<Asked, CommandError>();
      const waiting = list.values();
      const paint = async () => {
        for (const asked of waiting) {
          await this.one(asked).catch((error) => failures.set(asked, failureOf(asked.name, error)));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, paint));
      this.line.end();
      if (this.left.signal.aborted) {
        throw new CommandError(
          `Left running: ${[...this.open].map((id) => `nst watch ${id}`).join(", ")}`,
          EXIT.interrupted,
        );
      }
      throwFailures(
        this.terminal,
        list.flatMap((asked) => failures.get(asked) ?? []),
      );
    } finally {
      stopListening();
    }
  }

  private async one({ name, output, submit }: Asked): Promise<void> {
    const { painter } = this.connection;
    const { signal } = this.left;
    signal.throwIfAborted();
    if (this.isCanceled) throw new CommandError("canceled", EXIT.jobCanceled);
    const submitted = await submit(signal);
    this.open.add(submitted.id);
    // It was on its way when the others were canceled.
    if (this.isCanceled) await painter.cancel(submitted.id);
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
    if (job.status === "canceled") throw new CommandError("canceled", EXIT.jobCanceled);
    if (job.status !== "succeeded") throw new CommandError(new JobFailedError(job).message, EXIT.jobFailed);
    await write(output, await painter.result(job.id, { signal }));
    const took = Date.parse(job.finished_at ?? "") - Date.parse(job.started_at ?? "");
    this.told({ job, file: output }, `${output}  ${colors(this.terminal).dim(duration(took / 1000))}`);
  }

  private told(result: { job: Job; file: string | null }, text: string): void {
    if (this.flags.json) writeJson(this.terminal, result);
    else this.line.say(text);
  }

  private async interrupted(): Promise<void> {
    const choice = await this.choose(this.open.size);
    if (choice === "leave") this.left.abort();
    if (choice === "cancel") {
      this.isCanceled = true;
      await Promise.allSettled([...this.open].map((id) => this.connection.painter.cancel(id)));
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
  const bytes = Buffer.from(await picture.arrayBuffer());
  const written = writeFile(partial, bytes).then(() => rename(partial, path));
  await written.catch((error: Error) => {
    throw new CommandError(`The picture cannot be written: ${error.message}`, EXIT.failed);
  });
}
