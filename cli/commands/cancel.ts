import { connect, type ServerFlags } from "../connection.ts";
import type { CommandError } from "../exit-codes.ts";
import { failureOf, throwFailures } from "../failures.ts";
import { type Terminal, writeJson } from "../terminal.ts";

/** `nst cancel ID…`: stops jobs, waiting or running; those that have ended stay as they are. */
export async function cancel(
  terminal: Terminal,
  ids: string[],
  flags: ServerFlags & { json?: boolean },
): Promise<void> {
  const { painter } = connect(flags, terminal);
  const failures: CommandError[] = [];
  for (const id of ids) {
    try {
      const job = await painter.cancel(id);
      if (flags.json) writeJson(terminal, job);
      else terminal.out.write(`${id}  ${job.status}\n`);
    } catch (error) {
      failures.push(failureOf(id, error));
    }
  }
  throwFailures(terminal, failures);
}
