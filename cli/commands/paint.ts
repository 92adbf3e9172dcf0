import type { PictureFormat, SubmissionOptions } from "../../clients/typescript/index.ts";
import { DEFAULT_PRESET, PRESETS } from "../../src/contract/presets.ts";
import { connectOrEmbed, embed, type ServerFlags } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { type JobFiles, listJobFiles, openPicture } from "../expand-inputs.ts";
import { JobRunner, type RunnerFlags } from "../job-runner.ts";
import { parseOptions } from "../option-flags.ts";
import { formatFromPath, stem } from "../output-file.ts";
import type { Terminal } from "../terminal.ts";

interface PaintFlags extends ServerFlags, RunnerFlags {
  outputFile?: string;
  options?: string;
  embedded?: boolean;
  serviceLog?: string;
}

/** `nst paint CONTENT STYLE…`: submits one or more jobs, follows them and writes their results to files. */
export async function paint(
  terminal: Terminal,
  content: string,
  styles: string[],
  flags: PaintFlags & Record<string, unknown>,
): Promise<void> {
  const parsed = parseOptions(flags);
  const format = parsed.output?.format ?? formatFromPath(flags.outputFile) ?? presetFormat(parsed.preset);
  const options = { ...parsed, output: { ...parsed.output, format } } as SubmissionOptions;
  const jobs = await listJobFiles(content, styles, flags.outputFile, format);
  if (flags.detach && !flags.server && !terminal.environment.NST_SERVER) {
    throw new CommandError(
      "--detach: also give --server, because a service started for this command ends with it",
      EXIT.usage,
    );
  }
  const connection = flags.embedded
    ? await embed(terminal, flags.serviceLog)
    : await connectOrEmbed(flags, terminal, flags.serviceLog);
  try {
    const { client } = connection;
    const requests = jobs.map((job) => ({
      ...job,
      submit: async (signal: AbortSignal) => client.submit(await createSubmission(job, options), { signal }),
    }));
    await new JobRunner(terminal, connection, flags).run(requests);
  } finally {
    await connection.close();
  }
}

async function createSubmission({ content, styles }: JobFiles, options: SubmissionOptions) {
  return {
    content: await openPicture(content),
    style: await Promise.all(styles.map(openPicture)),
    options,
    metadata: { content: stem(content), styles: styles.map(stem).join(", ") },
  };
}

const presetFormat = (preset = DEFAULT_PRESET): PictureFormat => PRESETS[preset].output.format;
