import { constants } from "node:fs";
import { copyFile, open, rename, rm } from "node:fs/promises";
import { hasCode } from "./file-errors.ts";

/** Renames a file, or copies it if the two paths are on different file systems. */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!hasCode(error, "EXDEV")) throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
    await rm(from, { force: true });
  }
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
