import { once } from "node:events";
import { ConfigError } from "./config.ts";

/** Runs a process's program. A wrong configuration is told by its message alone; either way the process ends with 1. */
export function runProgram(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    // The stack alone: what else hangs on an error may be a secret, as in the command that Redis refused.
    if (error instanceof ConfigError) console.error(error.message);
    else console.error(error instanceof Error ? error.stack : error);
    process.exit(1);
  });
}

/** The signal by which this process is asked to stop. */
export async function stopSignal(): Promise<NodeJS.Signals> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  return await Promise.race(signals.map((name) => once(process, name).then(() => name)));
}
