// The entry point of `nst`, started by scripts/nst.mjs.
import { CommanderError } from "commander";
import { toCommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { colors, type Terminal } from "./terminal.ts";

/** Runs one command and returns its exit code. */
export async function run(args: string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? EXIT.success);
  } catch (error) {
    // Commander has already printed its message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage;
    const { message, code } = toCommandError(error);
    terminal.err.write(`${colors(terminal).red("nst:")} ${message}\n`);
    return code;
  }
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // `nst jobs | head` closes the pipe early: that is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.success);
  });
  return { out: process.stdout, err: process.stderr, input: process.stdin, environment: process.env };
}
