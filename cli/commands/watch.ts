import { isFinal, JobFailedError } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { CommandError, EXIT } from "../exit-codes.ts";
import { ProgressLine } from "../progress-line.ts";
import { type Terminal, writeJson } from "../terminal.ts";

/** `nst watch ID`: follows a job until it ends. Ctrl-C stops the watching only. */
export async function watch(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { json?: boolean },
): Promise<void> {
  const { painter } = connect(flags, terminal);
  const line = new ProgressLine(terminal);
  const job = await painter.wait(id, {
    onUpdate: ({ job: now }) => {
      if (flags.json) writeJson(terminal, now);
      else if (!isFinal(now)) line.update(id, now);
    },
    onConnection: (connected) => {
      if (!connected) line.say("The connection is lost; trying again.");
    },
  });
  line.end();
  if (job.status === "canceled") throw new CommandError("The job is canceled", EXIT.jobCanceled);
  if (job.status !== "succeeded") throw new CommandError(new JobFailedError(job).message, EXIT.jobFailed);
  if (!flags.json) terminal.err.write(`succeeded: nst fetch ${id} -o picture.png\n`);
}
