import { rename, rm, writeFile } from "node:fs/promises";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { prepareOutputFile, STDOUT } from "./output-file.ts";
import type { Terminal } from "./terminal.ts";

/** Writes what the service sent to a file named by `name` or by -o, or to stdout if that is piped and no file is named. */
export async function saveFile(
  terminal: Terminal,
  file: Blob,
  outputFile: string | undefined,
  name: string,
): Promise<void> {
  const { out, err } = terminal;
  const isPiped = !("isTTY" in out && out.isTTY);
  if (outputFile === STDOUT || (outputFile === undefined && isPiped))
    return await writeToStdout(terminal, file);
  const extension = (file.type.split("/")[1] ?? "png").replace("jpeg", "jpg");
  const path = await prepareOutputFile(outputFile, `${name}.${extension}`);
  await writeWholeFile(path, file);
  err.write(`${path}\n`);
}

export async function writeToStdout({ out }: Terminal, file: Blob): Promise<void> {
  const bytes = Buffer.from(await file.arrayBuffer());
  await new Promise<unknown>((resolve) => out.write(bytes, resolve));
}

/** Renames a complete file into place, so that no partial picture is left if the write fails. */
export async function writeWholeFile(path: string, file: Blob): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await writeFile(partial, Buffer.from(await file.arrayBuffer()));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw new CommandError(`cannot write ${path}: ${(error as Error).message}`, EXIT.failed);
  }
}
