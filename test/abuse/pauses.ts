import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../src/root.ts";
import { until } from "../support/until.ts";

const MONITOR = join(ROOT, "dist/test/abuse/pause-monitor.js");
/** Longer than any pause that was ever seen. */
const TIMEOUT_MS = 120_000;

/** Reads the pauses of processes that run pause-monitor.ts. */
export class Pauses {
  private constructor(
    private readonly folder: string,
    private readonly control: ChildProcess,
  ) {}

  static async start(): Promise<Pauses> {
    const folder = await mkdtemp(join(tmpdir(), "nst-pauses-"));
    const env = { ...process.env, NST_PAUSES: folder };
    const pauses = new Pauses(folder, spawn(process.execPath, [MONITOR], { env, stdio: "ignore" }));
    await pauses.ready(pauses.control.pid ?? 0);
    return pauses;
  }

  /** The environment of a Node process that is measured. */
  get environment(): NodeJS.ProcessEnv {
    return { NST_PAUSES: this.folder, NODE_OPTIONS: `--import ${MONITOR}` };
  }

  async ready(pid: number): Promise<void> {
    await until(() => this.read(pid));
  }

  /** The longest pauses since the last call, in ms: of the process, and of one that does nothing. */
  async take(pid: number): Promise<{ pauseMs: number; controlMs: number }> {
    return { pauseMs: await this.takeOf(pid), controlMs: await this.takeOf(this.control.pid ?? 0) };
  }

  async stop(): Promise<void> {
    const exited = once(this.control, "exit");
    this.control.kill("SIGKILL");
    await exited;
    await rm(this.folder, { recursive: true, force: true });
  }

  private async takeOf(pid: number): Promise<number> {
    await rm(join(this.folder, String(pid)), { force: true });
    process.kill(pid, "SIGUSR2");
    return Number(await until(() => this.read(pid), TIMEOUT_MS));
  }

  private read(pid: number): Promise<string | null> {
    return readFile(join(this.folder, String(pid)), "utf8").catch(() => null);
  }
}
