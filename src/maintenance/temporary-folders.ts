import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { RecordStore } from "../jobs/records/record-store.ts";
import { ORPHAN_AGE_MS } from "./orphans.ts";
import { sumOverEach } from "./sum-over-each.ts";

/** Deletes uploads from the spool that a crash interrupted. Returns how many. */
export function deleteOldUploads(spool: string): Promise<number> {
  const before = Date.now() - ORPHAN_AGE_MS;
  return deleteEntries(spool, async (name) => {
    return name.startsWith("request-") && (await stat(join(spool, name))).mtimeMs < before;
  });
}

/** Deletes scratch folders of attempts that no longer run. A folder's name is its job's id and its attempt's. Returns how many. */
export function deleteStaleScratch(
  scratch: string,
  records: Pick<RecordStore, "findReadable">,
): Promise<number> {
  return deleteEntries(scratch, async (name) => {
    const [id = "", attemptId] = name.split(".");
    if (attemptId === undefined) return false;
    const record = await records.findReadable(id);
    return record !== "unreadable" && record?.attempt_id !== attemptId;
  });
}

async function deleteEntries(folder: string, isStale: (name: string) => Promise<boolean>): Promise<number> {
  return await sumOverEach(await readdir(folder).catch(() => []), async (name) => {
    const stale = await isStale(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false; // another process was faster
      throw error;
    });
    if (!stale) return 0;
    await rm(join(folder, name), { recursive: true, force: true });
    return 1;
  });
}
