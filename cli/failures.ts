import { commandError } from "./connection.ts";
import { CommandError } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** What went wrong with one of the things that a command did, under its name. */
export function failureOf(name: string, error: unknown): CommandError {
  const { message, code } = commandError(error);
  return new CommandError(`${name}: ${message}`, code);
}

/** Ends a command of which something failed, each failure told: the first decides the exit code. */
export function throwFailures({ err }: Terminal, [first, ...others]: CommandError[]): void {
  for (const { message } of others) err.write(`${message}\n`);
  if (first) throw first;
}
