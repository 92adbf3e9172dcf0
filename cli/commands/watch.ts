import { isFinal, JobFailedError } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { ProgressLine } from "../progress-line.ts";
import { type Terminal, writeJson } from "../terminal.ts";

/** `nst watch ID`: follows a job until it ends. Ctrl-C ends the command and not the job. */
export async function watch(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { json?: boolean },
): Promise<void> {
  const { client } = connect(flags, terminal);
  const progress = new ProgressLine(terminal);
  const job = await client.wait(id, {
    onUpdate: ({ job }) => {
      if (flags.json) writeJson(terminal, job);
      else if (!isFinal(job)) progress.update(id, job);
    },
    onConnection: (connected) => {
      if (!connected) progress.print("Connection lost; reconnecting.");
    },
  });
  progress.end();
  if (job.status === "canceled") throw new CommandError("The job was canceled", EXIT.jobCanceled);
  if (job.status !== "succeeded") throw new CommandError(new JobFailedError(job).message, EXIT.jobFailed);
  if (!flags.json) terminal.err.write(`succeeded; to get the picture: nst fetch ${id} -o picture.png\n`);
}
