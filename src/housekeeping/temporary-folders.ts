import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { folderTime } from "../storage/folder-time.ts";

/**
 * Removes uploads in the spool that a crash cut off: no request takes so long, by the disk's clock and by `now`. Gives how
 * many these were.
 */
export async function sweepSpool(
  spool: string,
  olderThanMs: number,
  now: () => number = Date.now,
): Promise<number> {
  // A disk that is full takes no file to tell the time by, and needs the sweep most.
  const latest = Math.min(now(), await folderTime(spool).catch(now));
  return await removeDead(spool, async (name) => {
    if (!name.startsWith("request-")) return false;
    return latest - (await stat(join(spool, name))).mtimeMs > olderThanMs;
  });
}

/** Removes scratch folders of attempts that run no more. They are named after their job and attempt. */
export function sweepScratch(scratch: string, queue: Pick<RedisJobQueue, "find">): Promise<number> {
  return removeDead(scratch, async (name) => {
    const [id = "", run] = name.split(".");
    return run !== undefined && (await queue.find(id))?.run !== run;
  });
}

async function removeDead(root: string, isDead: (name: string) => Promise<boolean>): Promise<number> {
  let count = 0;
  for (const name of await readdir(root).catch(() => [])) {
    const dead = await isDead(name).catch((error: unknown) => {
      // Another process was quicker.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    });
    if (!dead) continue;
    await rm(join(root, name), { recursive: true, force: true });
    count += 1;
  }
  return count;
}
