import { access, constants, mkdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { PictureFormat } from "../clients/typescript/index.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

/**
 * Returns the path to write to: `output`, or `name` inside it if `output` is a folder. Creates the folder and checks
 * that it is writable, so that a wrong path fails before the job runs and not after.
 */
export async function prepareOutputFile(
  output: string | undefined,
  name: string,
  isFolder = false,
): Promise<string> {
  const inFolder = isFolder || output?.endsWith("/") || (await isDirectory(output));
  const path = inFolder ? join(output ?? ".", name) : (output ?? name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${dirname(path)}: expected a writable folder: ${reason}`, EXIT.usage);
  }
  return path;
}

/** The picture format that a file name's extension stands for. */
export function formatFromPath(path: string | undefined): PictureFormat | undefined {
  const extension = /\.(png|jpe?g|webp|avif)$/i.exec(path ?? "")?.[1]?.toLowerCase();
  return extension === "jpg" ? "jpeg" : (extension as PictureFormat | undefined);
}

export const extensionFor = (format: PictureFormat) => (format === "jpeg" ? "jpg" : format);

/** A file name without folder and extension. */
export const stem = (path: string) => basename(path, extname(path));

async function isDirectory(path: string | undefined): Promise<boolean> {
  return path !== undefined && ((await stat(path).catch(() => undefined))?.isDirectory() ?? false);
}
