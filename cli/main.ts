// The command line as a process: `nst`, by way of scripts/nst.mjs.
import { CommanderError } from "commander";
import { commandError } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { colors, type Terminal } from "./terminal.ts";

/** Runs one command and gives its exit code. */
export async function run(words: string[], terminal: Terminal): Promise<number> {
  try {
    await createProgram(terminal).parseAsync(words, { from: "user" });
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // Commander has said what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { message, code } = commandError(error);
    terminal.err.write(`${colors(terminal).red("nst:")} ${message}\n`);
    return code;
  }
}

/** This process' own terminal. */
export function processTerminal(): Terminal {
  // A reader that has seen enough (`nst jobs | head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.done);
  });
  return { out: process.stdout, err: process.stderr, input: process.stdin, environment: process.env };
}
