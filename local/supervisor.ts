import { type ChildProcess, spawn } from "node:child_process";
import type { Watchdog } from "./watchdog.ts";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** After running this long, the program's next exit is retried at once again. */
const STABLE_MS = 60_000;
/** A program that exits by itself this soon after its first start cannot run (port in use, wrong settings). */
const STARTUP_MS = 30_000;

export interface Supervised {
  /** Resolves with the reason if the program exits soon after its first start. */
  failedAtStartup: Promise<string>;
  /** Sends SIGTERM, then SIGKILL after `graceMs`, and does not restart the program. */
  stop(graceMs: number): Promise<void>;
}

/** Runs a Node program, and restarts it with exponential backoff if it exits. */
export function supervise(
  name: string,
  script: string,
  environment: NodeJS.ProcessEnv,
  watchdog: Watchdog,
  log: (line: string) => void,
): Supervised {
  let stopping = false;
  let delay = FIRST_DELAY_MS;
  let timer: NodeJS.Timeout | undefined;
  let child: ChildProcess | undefined;
  let exited: Promise<unknown> = Promise.resolve();
  let reportStartupFailure: (reason: string) => void = () => undefined;
  const failedAtStartup = new Promise<string>((resolve) => {
    reportStartupFailure = resolve;
  });

  const start = (first: boolean) => {
    const started = Date.now();
    // Detached: Ctrl-C in the terminal reaches the main process alone, which stops the others in order.
    const running = spawn(process.execPath, [script], {
      env: environment,
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    child = running;
    if (running.pid !== undefined) watchdog.add(running.pid);
    exited = endOf(running).then(({ reason, byItself }) => {
      if (running.pid !== undefined) watchdog.remove(running.pid);
      if (stopping) return;
      const lasted = Date.now() - started;
      if (first && lasted < STARTUP_MS && byItself) {
        reportStartupFailure(`the ${name} ${reason}`);
        return;
      }
      if (lasted > STABLE_MS) delay = FIRST_DELAY_MS;
      log(`the ${name} ${reason}; restarting in ${delay / 1000} s`);
      timer = setTimeout(() => start(false), delay);
      delay = Math.min(2 * delay, LONGEST_DELAY_MS);
    });
  };
  start(true);

  return {
    failedAtStartup,
    async stop(graceMs) {
      stopping = true;
      clearTimeout(timer);
      child?.kill("SIGTERM");
      const killTimer = setTimeout(() => child?.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(killTimer);
    },
  };
}

/** How a program ended. One that the system could not start (no process or file descriptor is left) has ended too. */
function endOf(program: ChildProcess): Promise<{ reason: string; byItself: boolean }> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    program.on("error", (error) => {
      failure = error;
    });
    program.once("close", (code, signal) => {
      if (program.pid === undefined) {
        resolve({ reason: `could not be started (${failure?.message})`, byItself: false });
      } else if (signal === null) resolve({ reason: `exited with code ${code}`, byItself: true });
      else resolve({ reason: `was killed by ${signal}`, byItself: false });
    });
  });
}
