import { isDue, type JobRecord, needsBlob } from "../queue/records/job-record.ts";
import { isFinal } from "../queue/records/job-states.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import { storeTime } from "../storage/store-time.ts";

export interface OrphanAges {
  /** Age at which pictures that no job uses go: a submission may still be on its way. In ms. */
  uploadMs: number;
  /** Age at which what a dead attempt or writer left goes: longer than any blob waits to be named. In ms. */
  leftoverMs: number;
  /** The time in ms by which blobs are old; it must not jump forward. */
  now?: () => number;
}

/**
 * Deletes blobs that no job needs: pictures whose submission came to nothing, what attempts left that died, files
 * half written. A blob is as old as the slowest of three clocks says, this process', Redis' and the store's: one that is
 * wrong makes none old too soon. Any number of processes may do so at once. Gives how many these were.
 */
export async function deleteOrphans(
  queue: Pick<RedisJobQueue, "find" | "upkeep">,
  store: BlobStore,
  { uploadMs, leftoverMs, now = Date.now }: OrphanAges,
): Promise<number> {
  const queueNow = await queue.upkeep.now();
  const ahead = now() - Math.min(now(), queueNow, await storeTime(store));
  let count = await store.removeUnfinished(leftoverMs);
  let lookedUp = "";
  let record: JobRecord | null = null;
  for await (const { key, modifiedAt } of store.list("jobs/")) {
    const age = now() - ahead - modifiedAt.getTime();
    if (age < Math.min(uploadMs, leftoverMs)) continue;
    const id = key.split("/")[1] ?? "";
    // The list is in the order of keys: a job's blobs lie together.
    if (id !== lookedUp) {
      record = await queue.find(id);
      lookedUp = id;
    }
    if (isOrphan(record, key, queueNow) && age >= (record ? leftoverMs : uploadMs)) {
      await store.delete(key);
      count += 1;
    }
  }
  return count;
}

function isOrphan(record: JobRecord | null, key: string, now: number): boolean {
  if (!record) return true;
  if (isFinal(record.status) && isDue(record, now)) return true;
  return !needsBlob(record, key);
}
