import type { BlobStore } from "../../storage/blob-store.ts";
import { deletePrefix } from "../../storage/delete-prefix.ts";
import { jobFolder } from "../records/job-blobs.ts";
import type { PictureRegistry } from "./picture-registry.ts";

/** Deletes the blobs of pictures that nothing uses any more. */
export async function deleteUnusedPictures(registry: PictureRegistry, store: BlobStore): Promise<number> {
  const keys = await registry.unused();
  for (const key of keys) {
    await store.delete(key);
    await registry.deleted(key);
  }
  return keys.length;
}

/** Deletes the blobs of a job that is gone or has expired; pictures that other jobs use stay. */
export async function deleteJobBlobs(registry: PictureRegistry, store: BlobStore, id: string): Promise<void> {
  await deletePrefix(store, jobFolder(id));
  await deleteUnusedPictures(registry, store);
}
