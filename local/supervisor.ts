import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Watchdog } from "./watchdog.ts";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** A program that ran so long had started well: its next end is a new story. */
const STEADY_MS = 60_000;
/** A program that gives up by itself so soon after its very first start cannot run (port in use, wrong settings). */
const STILLBORN_MS = 30_000;

export interface Supervised {
  /** Resolves, with a reason, when the program ended right after its first start. */
  stillborn: Promise<string>;
  /** Asks the program to stop, kills it after `graceMs`, and does not start it again. */
  stop(graceMs: number): Promise<void>;
}

/** Keeps a Node program running: starts it again when it ends, ever later if it ends soon. */
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
  let ended: Promise<unknown> = Promise.resolve();
  let reportStillborn: (reason: string) => void = () => undefined;
  const stillborn = new Promise<string>((resolve) => {
    reportStillborn = resolve;
  });

  const start = (first: boolean) => {
    const started = Date.now();
    // Detached: Ctrl-C in the terminal reaches only the main program, which stops the others in order.
    const running = spawn(process.execPath, [script], {
      env: environment,
      stdio: ["ignore", "inherit", "inherit"],
      detached: true,
    });
    child = running;
    if (running.pid !== undefined) watchdog.add(running.pid);
    ended = once(running, "exit").then(([code, signal]) => {
      if (running.pid !== undefined) watchdog.remove(running.pid);
      if (stopping) return;
      const reason = signal === null ? `ended with code ${code}` : `was killed by ${signal}`;
      const lasted = Date.now() - started;
      if (first && lasted < STILLBORN_MS && signal === null) {
        reportStillborn(`the ${name} ${reason}`);
        return;
      }
      if (lasted > STEADY_MS) delay = FIRST_DELAY_MS;
      log(`the ${name} ${reason}; starting it again in ${delay / 1000} s`);
      timer = setTimeout(() => start(false), delay);
      delay = Math.min(2 * delay, LONGEST_DELAY_MS);
    });
  };
  start(true);

  return {
    stillborn,
    async stop(graceMs) {
      stopping = true;
      clearTimeout(timer);
      child?.kill("SIGTERM");
      const patience = setTimeout(() => child?.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(patience);
    },
  };
}
