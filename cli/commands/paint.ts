import type { PictureFormat, Submission, SubmissionOptions } from "../../clients/typescript/index.ts";
import { DEFAULT_PRESET, PRESETS } from "../../src/contract/presets.ts";
import { connectOrEmbed, embed, type ServerFlags } from "../connection.ts";
import { CommandError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { type JobFiles, listJobFiles } from "../expand-inputs.ts";
import { JobRunner, type RunnerFlags } from "../job-runner.ts";
import { parseOptions } from "../option-flags.ts";
import { formatFromPath, stem } from "../output-file.ts";
import { PictureReader, pictureName, STDIN } from "../picture-source.ts";
import type { Terminal } from "../terminal.ts";

interface PaintFlags extends ServerFlags, RunnerFlags {
  outputFile?: string;
  options?: string;
  styleMask?: string[];
  keepMask?: string;
  initPicture?: string;
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
  const format =
    (await formatFromPath(flags.outputFile, parsed.output?.format)) ?? presetFormat(parsed.preset);
  const options = { ...parsed, output: { ...parsed.output, format } } as SubmissionOptions;
  const note = (message: string) => terminal.err.write(`${message}\n`);
  const jobs = await listJobFiles(content, styles, flags.outputFile, format, note);
  const masks = [...(flags.styleMask ?? []), flags.keepMask, flags.initPicture];
  if ([content, ...styles, ...masks].filter((argument) => argument === STDIN).length > 1)
    throw new CommandError("-: expected at most one picture from stdin", EXIT.usage);
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
    const reader = new PictureReader(terminal);
    const requests = jobs.map((job) => ({
      ...job,
      submit: async (signal: AbortSignal) =>
        client.submit(await createSubmission(reader, job, flags, options), { signal }),
    }));
    await new JobRunner(terminal, connection, flags).run(requests);
  } finally {
    await connection.close();
  }
}

async function createSubmission(
  reader: PictureReader,
  { content, styles }: JobFiles,
  { styleMask, keepMask, initPicture }: PaintFlags,
  options: SubmissionOptions,
): Promise<Submission> {
  const masks = { style_mask: styleMask, keep_mask: keepMask, init_picture: initPicture };
  const pictures = await reader.read({ content, style: styles, ...masks });
  const names = { content: stem(pictureName(content)), styles: styles.map(pictureName).map(stem).join(", ") };
  return { ...pictures, options, metadata: names } as Submission;
}

const presetFormat = (preset = DEFAULT_PRESET): PictureFormat => PRESETS[preset].output.format;
