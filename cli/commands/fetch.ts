import { writeFile } from "node:fs/promises";
import type { PictureFormat } from "../../clients/typescript/index.ts";
import { connect, type ServerFlags } from "../connection.ts";
import { outputFile } from "../pictures.ts";
import type { Terminal } from "../terminal.ts";

/** `nst fetch ID`: writes a succeeded job's picture; to stdout where that is no terminal and no file is named. */
export async function fetchResult(
  terminal: Terminal,
  id: string,
  flags: ServerFlags & { outputFile?: string; format?: PictureFormat },
): Promise<void> {
  const { painter } = connect(flags, terminal);
  const picture = await painter.result(id, flags.format ? { format: flags.format } : {});
  const bytes = Buffer.from(await picture.arrayBuffer());
  const { out, err } = terminal;
  if (flags.outputFile === undefined && !("isTTY" in out && out.isTTY)) {
    await new Promise((resolve) => out.write(bytes, resolve));
    return;
  }
  const ending = (picture.type.split("/")[1] ?? "png").replace("jpeg", "jpg");
  const file = await outputFile(flags.outputFile, `${id}.${ending}`);
  await writeFile(file, bytes);
  err.write(`${file}\n`);
}
