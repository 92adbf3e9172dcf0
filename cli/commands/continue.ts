import type { Continuation, Job } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { readOptions } from "../option-flags.ts";
import { Paintings, type PaintingsFlags } from "../paintings.ts";
import { endingOf, formatOf, outputFile } from "../pictures.ts";
import type { Terminal } from "../terminal.ts";

export interface ContinueFlags extends ServerFlags, PaintingsFlags {
  outputFile?: string;
  options?: string;
}

/** `nst continue ID`: goes on from what a job painted, as a new job, and writes the new picture. */
export async function continueJob(
  terminal: Terminal,
  id: string,
  flags: ContinueFlags & Record<string, unknown>,
): Promise<void> {
  const options = readOptions(flags);
  const connection = connect(flags, terminal);
  const { painter } = connection;
  const before = await painter.job(id);
  const format = options.output?.format ?? formatOf(flags.outputFile) ?? before.options.output.format;
  const continuation = {
    options: { ...options, output: { ...options.output, format } },
    metadata: before.metadata,
  } as Continuation;
  const name = `${nameOf(before)}-continued`;
  await new Paintings(terminal, connection, flags).run([
    {
      name,
      output: await outputFile(flags.outputFile, `${name}.${endingOf(format)}`),
      submit: (signal) => painter.continue(id, continuation, { signal }),
    },
  ]);
}

/** As `nst paint` names the pictures of the same job. */
function nameOf({ id, metadata: { content, styles } }: Job): string {
  const named = typeof content === "string" && typeof styles === "string";
  return named ? `${content}-in-${styles.replaceAll(", ", "-and-")}`.replaceAll("/", "-") : id;
}
