import { v7 as uuidv7 } from "uuid";
import { deleteUnusedPictures } from "../jobs/pictures/delete-blobs.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import { needsBlob } from "../jobs/records/job-blobs.ts";
import type { JobRecord } from "../jobs/records/job-record.ts";
import { PICTURES_FOLDER } from "../jobs/records/picture-arguments.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { BlobStore } from "../storage/blob-store.ts";

/** No request and no attempt takes so long between storing a blob and naming it in a record, whatever a clock says. */
export const ORPHAN_AGE_MS = 24 * 3600_000;

/**
 * Deletes blobs that no job needs: pictures of submissions that failed, what dead attempts left, unfinished uploads.
 * Blobs younger than `minimumAgeMs` stay. Several processes may do this at once. Returns the number of deleted blobs.
 */
export async function deleteOrphans(
  { records, pictures }: { records: Pick<RecordStore, "find">; pictures: PictureRegistry },
  store: BlobStore,
  minimumAgeMs: number = ORPHAN_AGE_MS,
): Promise<number> {
  const before = Date.now() - minimumAgeMs;
  let count = await store.deleteIncompleteUploads(minimumAgeMs);
  count += await deleteOrphanedPictures(pictures, store, before);
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

/** Deletes pictures whose request died before a job used them, and pictures that the registry does not know. */
async function deleteOrphanedPictures(
  registry: PictureRegistry,
  store: BlobStore,
  before: number,
): Promise<number> {
  const oldest = uuidv7({ msecs: before, random: new Uint8Array(16) });
  let count = 0;
  for await (const { key, modifiedAt } of store.list(PICTURES_FOLDER)) {
    if (modifiedAt.getTime() > before || (await registry.releaseDeadUsers(key, oldest))) continue;
    await store.delete(key);
    count += 1;
  }
  return count + (await deleteUnusedPictures(registry, store));
}
