import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { ORPHAN_AGE_MS } from "./orphans.ts";

/** Removes uploads from the spool that a crash interrupted. Returns their number. */
export function sweepSpool(spool: string): Promise<number> {
  const before = Date.now() - ORPHAN_AGE_MS;
  return removeDead(spool, async (name) => {
    if (!name.startsWith("request-")) return false;
    return (await stat(join(spool, name))).mtimeMs < before;
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
