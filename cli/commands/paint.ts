import type { PictureFormat, SubmissionOptions } from "../../clients/typescript/index.ts";
import { DEFAULT_PRESET, PRESETS } from "../../src/contract/presets.ts";
import { connectOrEmbed, embed, type ServerFlags } from "../connection.ts";
import { CommandError, EXIT } from "../exit-codes.ts";
import { readOptions } from "../option-flags.ts";
import { Paintings, type PaintingsFlags } from "../paintings.ts";
import { formatOf, type Order, openPicture, orders, stem } from "../pictures.ts";
import type { Terminal } from "../terminal.ts";

export interface PaintFlags extends ServerFlags, PaintingsFlags {
  outputFile?: string;
  options?: string;
  embedded?: boolean;
  serviceLog?: string;
}

/** `nst paint CONTENT STYLE…`: submits, follows, writes the pictures. */
export async function paint(
  terminal: Terminal,
  content: string,
  styles: string[],
  flags: PaintFlags & Record<string, unknown>,
): Promise<void> {
  const options = readOptions(flags);
  const format = options.output?.format ?? formatOf(flags.outputFile) ?? standardFormat(options.preset);
  const wanted = { ...options, output: { ...options.output, format } } as SubmissionOptions;
  const list = await orders(content, styles, flags.outputFile, format);
  if (flags.detach && !flags.server && !terminal.environment.NST_SERVER) {
    throw new CommandError(
      "--detach: name the service with --server; one of this command's own ends with it",
      EXIT.usage,
    );
  }
  const connection = flags.embedded
    ? await embed(terminal, flags.serviceLog)
    : await connectOrEmbed(flags, terminal, flags.serviceLog);
  try {
    const { painter } = connection;
    const asked = list.map((order) => ({
      ...order,
      submit: async (signal: AbortSignal) => painter.submit(await submissionOf(order, wanted), { signal }),
    }));
    await new Paintings(terminal, connection, flags).run(asked);
  } finally {
    await connection.close();
  }
}

async function submissionOf({ content, styles }: Order, options: SubmissionOptions) {
  return {
    content: await openPicture(content),
    style: await Promise.all(styles.map(openPicture)),
    options,
    metadata: { content: stem(content), styles: styles.map(stem).join(", ") },
  };
}

const standardFormat = (preset = DEFAULT_PRESET): PictureFormat => PRESETS[preset].output.format;
