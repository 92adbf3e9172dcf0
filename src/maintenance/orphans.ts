import { v7 as uuidv7 } from "uuid";
import { deleteUnusedPictures } from "../jobs/pictures/delete-blobs.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import { needsBlob } from "../jobs/records/job-blobs.ts";
import { PICTURES_FOLDER } from "../jobs/records/picture-arguments.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import { sumOverEach } from "./sum-over-each.ts";

/** No request and no attempt takes so long between storing a blob and naming it in a record, whatever a clock says. */
export const ORPHAN_AGE_MS = 24 * 3600_000;

/**
 * Deletes blobs that no job needs: pictures of submissions that failed, what dead attempts left, unfinished uploads.
 * Blobs younger than `minimumAgeMs` stay, and those of a job whose record cannot be read. Several processes may do this at once.
 * Returns the number of deleted blobs.
 */
export async function deleteOrphans(
  { records, pictures }: { records: Pick<RecordStore, "findReadable">; pictures: PictureRegistry },
  store: BlobStore,
  minimumAgeMs: number = ORPHAN_AGE_MS,
): Promise<number> {
  const before = Date.now() - minimumAgeMs;
  let lookedUp = "";
  let record: Awaited<ReturnType<RecordStore["findReadable"]>> = null;
  const incomplete = await store.deleteIncompleteUploads(minimumAgeMs);
  const orphans = await sumOverEach(store.list("jobs/"), async ({ key, modifiedAt }) => {
    if (modifiedAt.getTime() > before) return 0;
    const id = key.split("/")[1] ?? "";
    // The list is sorted by key: the blobs of one job are neighbours.
    if (id !== lookedUp) {
      record = await records.findReadable(id);
      lookedUp = id;
    }
    if (record === "unreadable" || (record && needsBlob(record, key))) return 0;
    await store.delete(key);
    return 1;
  });
  return incomplete + orphans + (await deleteOrphanedPictures(pictures, store, before));
}

/** Deletes pictures whose request died before a job used them, and pictures that the registry does not know. */
async function deleteOrphanedPictures(
  registry: PictureRegistry,
  store: BlobStore,
  before: number,
): Promise<number> {
  const oldest = uuidv7({ msecs: before, random: new Uint8Array(16) });
  const orphans = await sumOverEach(store.list(PICTURES_FOLDER), async ({ key, modifiedAt }) => {
    if (modifiedAt.getTime() > before || (await registry.releaseDeadUsers(key, oldest))) return 0;
    await store.delete(key);
    return 1;
  });
  return orphans + (await deleteUnusedPictures(registry, store));
}
