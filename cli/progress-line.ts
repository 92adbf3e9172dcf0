import { isFinal, type Job } from "../clients/typescript/index.ts";
import { canRedraw, colors, type Terminal } from "./terminal.ts";

const WIDTH = 24;
const LOG_EVERY = 0.1;

/** The line that follows jobs: redrawn in a terminal, said every tenth of the way in a log. */
export class ProgressLine {
  private readonly jobs = new Map<string, Job>();
  private said = "";

  constructor(private readonly terminal: Terminal) {}

  update(name: string, job: Job): void {
    this.jobs.set(name, job);
    const { err } = this.terminal;
    if (canRedraw(this.terminal)) {
      err.write(`\r\x1b[K${cut(this.text(name, job), err.columns)}`);
      return;
    }
    const part = job.progress ? Math.floor(job.progress.fraction / LOG_EVERY) : "";
    const state = `${name} ${job.status} ${job.queue?.position ?? ""} ${part}`;
    if (state !== this.said) err.write(`${this.text(name, job)}\n`);
    this.said = state;
  }

  /** Something to say that stays: it goes above the line. */
  say(text: string): void {
    this.terminal.err.write(canRedraw(this.terminal) ? `\r\x1b[K${text}\n` : `${text}\n`);
  }

  end(): void {
    if (canRedraw(this.terminal) && this.jobs.size > 0) this.terminal.err.write("\r\x1b[K");
  }

  private text(name: string, job: Job): string {
    const { blue } = colors(this.terminal);
    if (this.jobs.size === 1) return describe(job, blue);
    const jobs = [...this.jobs.values()];
    return `${jobs.filter(isFinal).length} of ${jobs.length} done  ${name}  ${describe(job, blue)}`;
  }
}

export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function describe({ status, queue, progress }: Job, blue: (text: string) => string): string {
  if (status === "queued") {
    if (!queue) return "waiting";
    const eta = queue.eta_seconds === null ? "" : `, begins in about ${duration(queue.eta_seconds)}`;
    const ahead = queue.position === 1 ? "1 job ahead" : `${queue.position} jobs ahead`;
    return `waiting: ${queue.position === 0 ? "next in line" : ahead}${eta}`;
  }
  if (status !== "running") return status;
  if (progress === null) return "loading the pictures";
  const { fraction, step, total_steps, scale, loss, eta_seconds } = progress;
  const filled = Math.round(WIDTH * fraction);
  const parts = [
    `${blue("█".repeat(filled))}${"░".repeat(WIDTH - filled)} ${String(Math.floor(100 * fraction)).padStart(3)} %`,
    `step ${step}/${total_steps}`,
    `${scale.width}×${scale.height}`,
    `loss ${loss === null ? "–" : loss.total.toPrecision(4)}`,
  ];
  if (eta_seconds !== null && fraction < 1) parts.push(`${duration(eta_seconds)} left`);
  return parts.join("  ");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI codes begin with one
const ANSI = /\x1b\[\d+m/g;

/** A line that wraps could not be redrawn. Colours take no room. */
function cut(text: string, width = 80): string {
  const plain = text.replace(ANSI, "");
  return plain.length < width ? text : plain.slice(0, width - 1);
}
