import { writeFile } from "node:fs/promises";
import type { PictureFormat } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { prepareOutputFile } from "../output-file.ts";
import type { Terminal } from "../terminal.ts";

/** `nst fetch ID`: writes a job's result to a file, or to stdout if that is piped and no file is named. */
export async function fetchResult(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { outputFile?: string; format?: PictureFormat },
): Promise<void> {
  const { client } = connect(flags, terminal);
  const picture = await client.result(id, flags.format ? { format: flags.format } : {});
  const bytes = Buffer.from(await picture.arrayBuffer());
  const { out, err } = terminal;
  if (flags.outputFile === undefined && !("isTTY" in out && out.isTTY)) {
    await new Promise((resolve) => out.write(bytes, resolve));
    return;
  }
  const extension = (picture.type.split("/")[1] ?? "png").replace("jpeg", "jpg");
  const file = await prepareOutputFile(flags.outputFile, `${id}.${extension}`);
  await writeFile(file, bytes);
  err.write(`${file}\n`);
}
