import { isFinal, type Job } from "../clients/typescript/index.ts";
import { canRedraw, colors, type Terminal } from "./terminal.ts";

const BAR_WIDTH = 24;
/** Without a terminal, print a line after each tenth of a job. */
const LOG_INTERVAL = 0.1;

/** Shows the progress of jobs: one line that is redrawn in a terminal, or a few plain lines in a log. */
export class ProgressLine {
  private readonly jobs = new Map<string, Job>();
  private lastState = "";
  /** A question is on the screen, which must stay there. */
  private isPaused = false;

  constructor(private readonly terminal: Terminal) {}

  update(name: string, job: Job): void {
    this.jobs.set(name, job);
    if (this.isPaused) return;
    const { err } = this.terminal;
    if (canRedraw(this.terminal)) {
      err.write(`\r\x1b[K${truncate(this.text(name, job), err.columns)}`);
      return;
    }
    const tenth = job.progress ? Math.floor(job.progress.fraction / LOG_INTERVAL) : "";
    const state = `${name} ${job.status} ${job.queue?.position ?? ""} ${tenth}`;
    if (state !== this.lastState) err.write(`${this.text(name, job)}\n`);
    this.lastState = state;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** Prints a permanent line above the progress line. */
  print(text: string): void {
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

export function formatDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function describe({ status, queue, progress }: Job, blue: (text: string) => string): string {
  if (status === "queued") {
    if (!queue) return "queued";
    const eta = queue.eta_seconds === null ? "" : `, starts in about ${formatDuration(queue.eta_seconds)}`;
    const ahead = queue.position === 1 ? "1 job ahead" : `${queue.position} jobs ahead`;
    return `queued: ${queue.position === 0 ? "next in line" : ahead}${eta}`;
  }
  if (status !== "running") return status;
  if (progress === null) return "loading pictures";
  const { fraction, step, total_steps, scale, loss, eta_seconds } = progress;
  const filled = Math.round(BAR_WIDTH * fraction);
  const parts = [
    `${blue("█".repeat(filled))}${"░".repeat(BAR_WIDTH - filled)} ${String(Math.floor(100 * fraction)).padStart(3)} %`,
    `step ${step}/${total_steps}`,
    `${scale.width}×${scale.height}`,
    `loss ${loss === null ? "–" : loss.total.toPrecision(4)}`,
  ];
  if (eta_seconds !== null && fraction < 1) parts.push(`${formatDuration(eta_seconds)} left`);
  return parts.join("  ");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI codes start with a control character
const ANSI = /\x1b\[\d+m/g;

/** Truncates to the terminal width, because a wrapped line cannot be redrawn. */
function truncate(text: string, width = 80): string {
  const plain = text.replace(ANSI, "");
  return plain.length < width ? text : plain.slice(0, width - 1);
}
