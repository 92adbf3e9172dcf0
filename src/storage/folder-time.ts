import { randomUUID } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The time in ms by which files in a folder get theirs: that of whoever keeps the disk, which a process' own clock may be
 * ahead of. Rejects where nothing can be written there.
 */
export async function folderTime(folder: string): Promise<number> {
  const probe = join(folder, `.time-${randomUUID()}`);
  try {
    await writeFile(probe, "", { flag: "wx" });
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}
