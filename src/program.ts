import { once } from "node:events";
import { ConfigError } from "./config.ts";

/** Runs a process's main function. If it fails, prints the error and exits with 1; a configuration error is its message. */
export function runProgram(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    // Only the stack: an error's other properties may hold secrets, such as the arguments of a failed Redis command.
    if (error instanceof ConfigError) console.error(error.message);
    else console.error(error instanceof Error ? error.stack : error);
    process.exit(1);
  });
}

/** Resolves with the signal that stops this process. */
export async function stopSignal(): Promise<NodeJS.Signals> {
  const signals = ["SIGTERM", "SIGINT"] as const;
  return await Promise.race(signals.map((name) => once(process, name).then(() => name)));
}
