import { needsBlob } from "../jobs/records/job-blobs.ts";
import type { JobRecord } from "../jobs/records/job-record.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { BlobStore } from "../storage/blob-store.ts";

/** No request and no attempt takes so long between storing a blob and naming it in a record, whatever a clock says. */
export const ORPHAN_AGE_MS = 24 * 3600_000;

/**
 * Deletes blobs that no job needs: pictures of submissions that failed, what dead attempts left, unfinished uploads.
 * Blobs younger than `minimumAgeMs` stay. Several processes may do this at once. Returns the number of deleted blobs.
 */
export async function deleteOrphans(
  records: Pick<RecordStore, "find">,
  store: BlobStore,
  minimumAgeMs: number = ORPHAN_AGE_MS,
): Promise<number> {
  const before = Date.now() - minimumAgeMs;
  let count = await store.deleteIncompleteUploads(minimumAgeMs);
  let lookedUp = "";
  let record: JobRecord | null = null;
  for await (const { key, modifiedAt } of store.list("jobs/")) {
    if (modifiedAt.getTime() > before) continue;
    const id = key.split("/")[1] ?? "";
    // The list is sorted by key: the blobs of one job are neighbours.
    if (id !== lookedUp) {
      record = await records.find(id);
      lookedUp = id;
    }
    if (record && needsBlob(record, key)) continue;
    await store.delete(key);
    count += 1;
  }
  return count;
}
