import { ProblemError } from "../clients/typescript/index.ts";
import { EXIT } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** Ends the command with a message for people and an exit code for scripts. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    message: string,
    readonly code: (typeof EXIT)[keyof typeof EXIT],
  ) {
    super(message);
  }
}

/** Converts any error to a message and an exit code. */
export function toCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ProblemError) {
    const fields = error.problem?.errors?.map(
      ({ path, expected, received }) => `  ${path}: expected ${expected}, received ${received}`,
    );
    const hint = error.status === 401 ? "\nSet an API key with --key or NST_API_KEY." : "";
    return new CommandError([error.message, ...(fields ?? [])].join("\n") + hint, EXIT.rejected);
  }
  const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
  // The platform's fetch reads the file of a form while it sends it.
  if (cause instanceof DOMException && cause.name === "NotReadableError") {
    return new CommandError("A picture changed or became unreadable while it was sent", EXIT.usage);
  }
  if (error instanceof TypeError && cause) {
    const reason = cause.code ?? error.message;
    return new CommandError(
      `Cannot reach the service (${reason}). Start it with npm start, or name another with --server.`,
      EXIT.unreachable,
    );
  }
  return new CommandError(error instanceof Error ? error.message : String(error), EXIT.failed);
}

/** The same error, with the job or file that it concerns in front of its message. */
export function prefixError(name: string, error: unknown): CommandError {
  const { message, code } = toCommandError(error);
  return new CommandError(`${name}: ${message}`, code);
}

/** Prints all errors but the first and throws the first, which decides the exit code. */
export function throwErrors({ err }: Terminal, [first, ...others]: CommandError[]): void {
  for (const { message } of others) err.write(`${message}\n`);
  if (first) throw first;
}
