import { rename, writeFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import {
  isFinal,
  type Job,
  JobFailedError,
  type PictureFormat,
  type SubmissionOptions,
} from "../../client/index.ts";
import { DEFAULT_PRESET, PRESETS } from "../../src/contract/presets.ts";
import { type Connection, connectOrEmbed, embed, type ServerFlags } from "../connection.ts";
import { CommandError, EXIT } from "../exit-codes.ts";
import { askWhatNow, onInterruption } from "../interruption.ts";
import { requestedOptions } from "../option-flags.ts";
import { type Order, openPicture, orders, stem } from "../pictures.ts";
import { duration, ProgressLine } from "../progress-line.ts";
import { canRedraw, colors, type Terminal, writeJson } from "../terminal.ts";

export interface PaintFlags extends ServerFlags {
  outputFile?: string;
  options?: string;
  detach?: boolean;
  json?: boolean;
  embedded?: boolean;
  serviceLog?: string;
}

/** `nst paint CONTENT STYLE…`: submits, follows, writes the pictures. */
export async function paint(
  terminal: Terminal,
  content: string,
  styles: string[],
  flags: PaintFlags & Record<string, unknown>,
): Promise<void> {
  const options = readOptions(flags);
  const format = options.output?.format ?? formatOf(flags.outputFile) ?? standardFormat(options.preset);
  const wanted = { ...options, output: { ...options.output, format } } as SubmissionOptions;
  const list = await orders(content, styles, flags.outputFile, format);
  if (flags.detach && !flags.server && !terminal.environment.NST_SERVER) {
    throw new CommandError(
      "--detach: name the service with --server; one of this command's own ends with it",
      EXIT.usage,
    );
  }
  const connection = flags.embedded
    ? await embed(terminal, flags.serviceLog)
    : await connectOrEmbed(flags, terminal, flags.serviceLog);
  try {
    await new Painting(terminal, connection, flags).run(list, wanted);
  } finally {
    await connection.close();
  }
}

function readOptions(flags: PaintFlags & Record<string, unknown>) {
  try {
    return requestedOptions(flags, flags.options);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
}

const standardFormat = (preset = DEFAULT_PRESET): PictureFormat => PRESETS[preset].output.format;

/** The format that a file's name asks for. */
function formatOf(path: string | undefined): PictureFormat | undefined {
  const ending = /\.(png|jpe?g|webp|avif)$/i.exec(path ?? "")?.[1]?.toLowerCase();
  return ending === "jpg" ? "jpeg" : (ending as PictureFormat | undefined);
}

/** The paintings of one command, side by side. */
class Painting {
  private readonly left = new AbortController();
  private readonly open = new Map<string, Job>();
  private readonly line: ProgressLine;

  constructor(
    private readonly terminal: Terminal,
    private readonly connection: Connection,
    private readonly flags: PaintFlags,
  ) {
    this.line = new ProgressLine(terminal);
  }

  async run(list: Order[], options: SubmissionOptions): Promise<void> {
    const stopListening = onInterruption(
      () => this.interrupted(),
      () => this.left.abort(),
    );
    try {
      const ends = await Promise.allSettled(list.map((order) => this.one(order, options)));
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

  private async one({ name, content, styles, output }: Order, options: SubmissionOptions): Promise<void> {
    const { painter } = this.connection;
    const { signal } = this.left;
    const submission = {
      content: await openPicture(content),
      style: await Promise.all(styles.map(openPicture)),
      options,
      metadata: { content: stem(content), styles: styles.map(stem).join(", ") },
    };
    const submitted = await painter.submit(submission, { signal });
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
