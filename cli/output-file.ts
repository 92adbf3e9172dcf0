import { access, constants, mkdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { PictureFormat } from "../clients/typescript/index.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

/** The output "file" that stands for stdout. */
export const STDOUT = "-";

const FORMATS = { png: "png", jpg: "jpeg", jpeg: "jpeg", webp: "webp", avif: "avif" } as const;

/**
 * Returns the path to write to: `output`, or `name` inside it if `output` is a folder. Creates the folder and checks
 * that it is writable, so that a wrong path fails before the job runs and not after.
 */
export async function prepareOutputFile(
  output: string | undefined,
  name: string,
  isFolder = false,
): Promise<string> {
  if (output === STDOUT) return STDOUT;
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

/**
 * The picture format that the output file's ending stands for, which `format` must not contradict; undefined if the path has
 * no ending, or is a folder or stdout.
 */
export async function formatFromPath(
  path: string | undefined,
  format: PictureFormat | undefined,
): Promise<PictureFormat | undefined> {
  if (path === undefined || path === STDOUT || path.endsWith("/") || (await isDirectory(path))) return format;
  const ending = extname(path).slice(1);
  if (ending === "") return format;
  const found = Object.entries(FORMATS).find(([known]) => known === ending.toLowerCase())?.[1];
  const known = Object.keys(FORMATS).map((one) => `.${one}`);
  if (!found) throw new CommandError(`${path}: expected the ending ${known.join(", ")}`, EXIT.usage);
  if (format && format !== found) {
    throw new CommandError(
      `${path}: the ending stands for ${found}, but the format is ${format}`,
      EXIT.usage,
    );
  }
  return found;
}

export const extensionFor = (format: PictureFormat) => (format === "jpeg" ? "jpg" : format);

/** A file name without folder and extension. */
export const stem = (path: string) => basename(path, extname(path));

async function isDirectory(path: string | undefined): Promise<boolean> {
  return path !== undefined && ((await stat(path).catch(() => undefined))?.isDirectory() ?? false);
}
