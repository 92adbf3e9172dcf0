import { connect, type ServerFlags } from "../connection.ts";
import { type CommandError, prefixError, throwErrors } from "../errors.ts";
import { type Terminal, writeJson } from "../terminal.ts";

/** `nst cancel ID…`: cancels each job, even if another one cannot be canceled. */
export async function cancel(
  terminal: Terminal,
  ids: string[],
  flags: ServerFlags & { json?: boolean },
): Promise<void> {
  const { client } = connect(flags, terminal);
  const errors: CommandError[] = [];
  for (const id of ids) {
    try {
      const job = await client.cancel(id);
      if (flags.json) writeJson(terminal, job);
      else terminal.out.write(`${id}  ${job.status}\n`);
    } catch (error) {
      errors.push(prefixError(id, error));
    }
  }
  throwErrors(terminal, errors);
}
