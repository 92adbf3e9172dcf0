import type { Continuation, Job } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { JobRunner, type RunnerFlags } from "../job-runner.ts";
import { parseOptions } from "../option-flags.ts";
import { extensionFor, formatFromPath, prepareOutputFile } from "../output-file.ts";
import type { Terminal } from "../terminal.ts";

interface ContinueFlags extends ServerFlags, RunnerFlags {
  outputFile?: string;
  options?: string;
}

/** `nst continue ID`: submits a job that starts from another job's result, and writes the new result to a file. */
export async function continueJob(
  terminal: Terminal,
  id: string,
  flags: ContinueFlags & Record<string, unknown>,
): Promise<void> {
  const options = parseOptions(flags);
  const connection = connect(flags, terminal);
  const { client } = connection;
  const previous = await client.job(id);
  const format =
    (await formatFromPath(flags.outputFile, options.output?.format)) ?? previous.options.output.format;
  const continuation = {
    options: { ...options, output: { ...options.output, format } },
    metadata: previous.metadata,
  } as Continuation;
  const name = `${jobName(previous)}-continued`;
  await new JobRunner(terminal, connection, flags).run([
    {
      name,
      output: await prepareOutputFile(flags.outputFile, `${name}.${extensionFor(format)}`),
      submit: (signal) => client.continue(id, continuation, { signal }),
    },
  ]);
}

/** The name that `nst paint` gave the job's file, from the metadata that it sent; for other jobs the id. */
function jobName({ id, metadata: { content, styles } }: Job): string {
  if (typeof content !== "string" || typeof styles !== "string") return id;
  return `${content}-in-${styles.replaceAll(", ", "-and-")}`.replaceAll("/", "-");
}
