import { connect, type ServerFlags } from "../connection.ts";
import { type Terminal, writeJson } from "../terminal.ts";

/** `nst cancel ID…`: stops jobs, waiting or running; those that have ended stay as they are. */
export async function cancel(
  terminal: Terminal,
  ids: string[],
  flags: ServerFlags & { json?: boolean },
): Promise<void> {
  const { painter } = connect(flags, terminal);
  for (const id of ids) {
    const job = await painter.cancel(id);
    if (flags.json) writeJson(terminal, job);
    else terminal.out.write(`${id}  ${job.status}\n`);
  }
}
