import type { Job, OptionsUpdate } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { CommandError, prefixError, throwErrors } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { parseOptions } from "../option-flags.ts";
import { type Terminal, writeJson } from "../terminal.ts";

type Flags = ServerFlags & { json?: boolean };

/** `nst cancel ID…`, `nst retry ID…`: changes each job, even if another one cannot be changed. */
export async function changeJobs(
  terminal: Terminal,
  ids: string[],
  flags: Flags,
  action: "cancel" | "finish" | "retry",
): Promise<void> {
  const { client } = connect(flags, terminal);
  await forEach(terminal, ids, async (id) => {
    const job = await client[action](id);
    if (flags.json) writeJson(terminal, job);
    else terminal.out.write(`${id}  ${job.status}\n`);
  });
}

/** `nst delete ID…`: deletes jobs with their pictures. */
export async function deleteJobs(terminal: Terminal, ids: string[], flags: ServerFlags): Promise<void> {
  const { client } = connect(flags, terminal);
  await forEach(terminal, ids, async (id) => {
    await client.delete(id);
    terminal.out.write(`${id}  deleted\n`);
  });
}

/** `nst update ID`: changes options of a queued or running job. */
export async function updateJob(
  terminal: Terminal,
  id: string,
  flags: Flags & { options?: string } & Record<string, unknown>,
): Promise<void> {
  const changes = parseOptions(flags) as OptionsUpdate;
  if (Object.keys(changes).length === 0) throw new CommandError("expected at least one option", EXIT.usage);
  const job: Job = await connect(flags, terminal).client.updateOptions(id, changes);
  if (flags.json) writeJson(terminal, job);
  else terminal.err.write(`changed ${Object.keys(changes).join(", ")}; the job is ${job.status}\n`);
}

async function forEach(
  terminal: Terminal,
  ids: string[],
  change: (id: string) => Promise<void>,
): Promise<void> {
  const errors: CommandError[] = [];
  for (const id of ids) await change(id).catch((error) => errors.push(prefixError(id, error)));
  throwErrors(terminal, errors);
}
