import type { JobQueue } from "../queue/job-queue.ts";
import { type JobRecord, needsBlob } from "../queue/job-record.ts";
import { isFinal } from "../queue/job-states.ts";
import type { BlobStore } from "../storage/blob-store.ts";

export interface OrphanAges {
  /** Age at which pictures that no job uses go: a submission may still be on its way. In ms. */
  uploadMs: number;
  /** Age at which what a dead attempt or writer left goes: longer than any blob waits to be named. In ms. */
  leftoverMs: number;
}

/**
 * Deletes blobs that no job needs: pictures whose submission came to nothing, what attempts left that died, files
 * half written. Any number of processes may do so at once. Gives how many these were.
 */
export async function deleteOrphans(
  queue: Pick<JobQueue, "find">,
  store: BlobStore,
  { uploadMs, leftoverMs }: OrphanAges,
): Promise<number> {
  let count = await store.removeUnfinished(leftoverMs);
  let lookedUp = "";
  let record: JobRecord | null = null;
  for await (const { key, modifiedAt } of store.list("jobs/")) {
    const age = Date.now() - modifiedAt.getTime();
    if (age < Math.min(uploadMs, leftoverMs)) continue;
    const id = key.split("/")[1] ?? "";
    // The list is in the order of keys: a job's blobs lie together.
    if (id !== lookedUp) {
      record = await queue.find(id);
      lookedUp = id;
    }
    if (isOrphan(record, key) && age >= (record ? leftoverMs : uploadMs)) {
      await store.delete(key);
      count += 1;
    }
  }
  return count;
}

function isOrphan(record: JobRecord | null, key: string): boolean {
  if (!record) return true;
  if (record.expires_at && isFinal(record.status) && Date.parse(record.expires_at) < Date.now()) return true;
  return !needsBlob(record, key);
}
