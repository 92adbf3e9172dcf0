import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "../../../src/root.ts";

export interface LogLine {
  msg: string;
  [field: string]: unknown;
}

/** A program of this project as a real process, with its log. */
export class ProgramProcess {
  readonly lines: LogLine[] = [];
  private readonly waiters = new Set<() => void>();
  private readonly child: ChildProcess;
  private readonly closed: Promise<void>;
  private text = "";

  /** @param script path below dist */
  constructor(script: string, environment: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [join(ROOT, "dist", script)], {
      env: { ...process.env, LOG_LEVEL: "debug", NODE_ENV: "production", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rest = "";
    this.child.stdout?.on("data", (bytes: Buffer) => {
      this.text += bytes.toString();
      const parts = (rest + bytes.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.lines.push(part.startsWith("{") ? JSON.parse(part) : { msg: part });
      for (const wake of this.waiters) wake();
    });
    this.child.stderr?.on("data", (bytes: Buffer) => {
      this.text += bytes.toString();
    });
    this.closed = once(this.child, "close").then(() => {
      for (const wake of this.waiters) wake();
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  /** All that the program printed. */
  get output(): string {
    return this.text;
  }

  /** The first line of the log that fits, now or within `ms`. */
  async line(fits: (line: LogLine) => boolean, ms = 60_000): Promise<LogLine> {
    const deadline = Date.now() + ms;
    for (;;) {
      const found = this.lines.find(fits);
      if (found) return found;
      if (this.ended || Date.now() > deadline) throw new Error(`No such line in:\n${this.text}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.waiters.delete(wake);
          clearTimeout(timer);
          resolve();
        };
        const timer = setTimeout(wake, 1_000);
        this.waiters.add(wake);
      });
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The exit code, as soon as the program has ended and all that it printed is in `output`. */
  async exited(): Promise<number | null> {
    await this.closed;
    return this.exitCode;
  }

  /** Sends a signal and resolves with the exit code as soon as the program has ended. */
  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    return await this.exited();
  }
}

/** VGG-19 at an eighth of its width with seeded random weights: everything about a job is real but the quality. */
export const NARROW_WEIGHTS = "random:1:8";
