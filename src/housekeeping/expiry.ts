import { jobFolder } from "../queue/job-record.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import type { BlobStore } from "../storage/blob-store.ts";

export interface Expiry {
  expired: number;
  forgotten: number;
}

/**
 * Deletes the pictures of jobs whose time is over, and some time later the jobs themselves. The record lets go of
 * its pictures before they are deleted, so that it never names one that is gone; should the process die in between,
 * `deleteOrphans` finds them.
 */
export async function expireJobs(queue: RedisJobQueue, store: BlobStore, now = Date.now()): Promise<Expiry> {
  const total = { expired: 0, forgotten: 0 };
  for (;;) {
    const { expired, forgotten } = await queue.due(now);
    if (expired.length + forgotten.length === 0) return total;
    for (const { id } of expired) {
      await queue.expire(id, now);
      await deleteBlobs(store, id);
    }
    for (const { id } of forgotten) {
      await queue.delete(id);
      await deleteBlobs(store, id);
    }
    total.expired += expired.length;
    total.forgotten += forgotten.length;
  }
}

async function deleteBlobs(store: BlobStore, id: string): Promise<void> {
  for await (const { key } of store.list(jobFolder(id))) await store.delete(key);
}
