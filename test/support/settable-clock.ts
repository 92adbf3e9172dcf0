import { execFile } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../src/root.ts";

const run = promisify(execFile);

/** A clock for processes that are started with its `environment`, and that a test sets while they run. Linux only. */
export class SettableClock {
  private constructor(
    private readonly folder: string,
    private readonly file: number,
  ) {}

  static async create(): Promise<SettableClock> {
    const folder = await mkdtemp(join(tmpdir(), "nst-clock-"));
    const source = join(ROOT, "test/support/set-clock.cc");
    await run("g++", ["-shared", "-fPIC", "-O1", "-o", join(folder, "set-clock.so"), source]);
    const clock = new SettableClock(folder, openSync(join(folder, "offset"), "w"));
    clock.set(0);
    return clock;
  }

  get environment(): Record<string, string> {
    return { LD_PRELOAD: join(this.folder, "set-clock.so"), NST_CLOCK_FILE: join(this.folder, "offset") };
  }

  /** Sets the clock so many ms ahead of the true time, or back where that is negative. */
  set(ms: number): void {
    writeSync(this.file, BigInt64Array.of(BigInt(ms) * 1_000_000n), 0, 8, 0);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
