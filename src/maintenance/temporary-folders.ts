import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RecordStore } from "../jobs/records/record-store.ts";
import { ORPHAN_AGE_MS } from "./orphans.ts";

/** Deletes uploads from the spool that a crash interrupted. Returns how many. */
export function deleteOldUploads(spool: string): Promise<number> {
  const before = Date.now() - ORPHAN_AGE_MS;
  return deleteEntries(spool, async (name) => {
    return name.startsWith("request-") && (await stat(join(spool, name))).mtimeMs < before;
  });
}

/** Deletes scratch folders of attempts that no longer run. A folder's name is its job's id and its attempt's. Returns how many. */
export function deleteStaleScratch(scratch: string, records: Pick<RecordStore, "find">): Promise<number> {
  return deleteEntries(scratch, async (name) => {
    const [id = "", attemptId] = name.split(".");
    return attemptId !== undefined && (await records.find(id))?.attempt_id !== attemptId;
  });
}

async function deleteEntries(folder: string, isStale: (name: string) => Promise<boolean>): Promise<number> {
  let count = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const stale = await isStale(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false; // another process was faster
      throw error;
    });
    if (!stale) continue;
    await rm(join(folder, name), { recursive: true, force: true });
    count += 1;
  }
  return count;
}
