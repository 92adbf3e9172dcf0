/** What the command line ends with: for scripts. docs/command-line.md says the same. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  jobFailed: 4,
  jobCanceled: 5,
  unreachable: 6,
  interrupted: 130,
} as const;

/** Ends the command with a message for people and a code for scripts. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    message: string,
    readonly code: (typeof EXIT)[keyof typeof EXIT],
  ) {
    super(message);
  }
}
