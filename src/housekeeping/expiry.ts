import { jobFolder } from "../queue/records/job-record.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import { deleteFolder } from "../storage/delete-folder.ts";

export interface Expiry {
  expired: number;
  forgotten: number;
}

/**
 * Deletes the pictures of jobs whose time is over, and some time later the jobs themselves. The record lets go of
 * its pictures before they are deleted, so that it never names one that is gone; should the process die in between,
 * `deleteOrphans` finds them.
 */
export async function expireJobs(queue: RedisJobQueue, store: BlobStore, at?: number): Promise<Expiry> {
  const now = at ?? (await queue.upkeep.now());
  const total = { expired: 0, forgotten: 0 };
  for (;;) {
    const { expired, forgotten } = await queue.upkeep.due(now);
    let gone = 0;
    for (const { id } of expired) {
      // Not where it was retried since it was looked up.
      if (!(await queue.upkeep.expire(id, now))) continue;
      await deleteFolder(store, jobFolder(id));
      total.expired += 1;
      gone += 1;
    }
    for (const { id } of forgotten) {
      await queue.delete(id);
      await deleteFolder(store, jobFolder(id));
      total.forgotten += 1;
      gone += 1;
    }
    if (gone === 0) return total;
  }
}
