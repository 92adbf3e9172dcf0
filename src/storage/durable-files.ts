import { constants } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { hasCode } from "./file-errors.ts";

/**
 * Renames a file, or copies it if the two paths are on different file systems.
 * @throws Error if `from` is no file of its own: whoever made a link there may not be allowed to read its target.
 */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!hasCode(error, "EXDEV")) throw error;
    const source = await openRegularFile(from);
    await pipeline(source.createReadStream(), (await open(to, "wx", 0o640)).createWriteStream());
    await rm(from, { force: true });
  }
  // After the move, when nobody else can replace the file.
  if (!(await lstat(to)).isFile()) throw notRegular(from);
}

/** Opens a file for reading. Throws if the path is a link, a folder or a pipe. */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error) => {
    throw hasCode(error, "ELOOP") ? notRegular(path) : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notRegular(path);
}

function notRegular(path: string): Error {
  return new Error(`${path} is not a regular file`);
}

/** Flushes a folder. SMB and some other network file systems cannot, and return EINVAL. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await syncFile(path);
  } catch (error) {
    if (!hasCode(error, "EINVAL")) throw error;
  }
}

/** Flushes a file to the disk. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
