import { deleteJobBlobs } from "../jobs/pictures/delete-blobs.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import { isDue } from "../jobs/records/job-record.ts";
import { isFinal } from "../jobs/records/job-states.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { JobScheduler } from "../jobs/scheduling/job-scheduler.ts";
import type { BlobStore } from "../storage/blob-store.ts";

/** How long the record of an expired job is kept, so that the API can say that its result has expired. */
export const KEEP_EXPIRED_MS = 24 * 3600_000;
const BATCH = 100;

interface Jobs {
  records: RecordStore;
  pictures: PictureRegistry;
  scheduler: JobScheduler;
}

/**
 * Deletes the pictures of expired jobs, and a day later their records. A record lets go of its pictures before they are
 * deleted, so it never names a picture that is gone. If the process dies in between, `deleteOrphans` finds the rest.
 *
 * A job that cannot be expired stays for the next run. The first error is thrown when all other jobs have had their turn.
 */
export async function expireJobs(
  jobs: Jobs,
  store: BlobStore,
  at?: number,
): Promise<{ expired: number; deleted: number }> {
  const now = at ?? (await jobs.records.now());
  const total = { expired: 0, deleted: 0 };
  let failure: { error: unknown } | null = null;
  for (let unchanged = 0; ; ) {
    const ids = await jobs.records.due(now, unchanged, BATCH);
    for (const id of ids) {
      try {
        const done = await expireOrDelete(jobs, id, now);
        if (done === null) unchanged += 1;
        else {
          total[done] += 1;
          await deleteJobBlobs(jobs.pictures, store, id);
        }
      } catch (error) {
        failure ??= { error };
        unchanged += 1;
      }
    }
    if (ids.length < BATCH) break;
  }
  if (failure) throw failure.error;
  return total;
}

/** Lets a job's pictures be deleted. Returns null if it must keep them for now. */
async function expireOrDelete(jobs: Jobs, id: string, now: number): Promise<"expired" | "deleted" | null> {
  const { records } = jobs;
  const record = await records.findReadable(id);
  if (record === "unreadable") {
    if (!(await records.isDue(id, now - KEEP_EXPIRED_MS))) return null;
    await records.removeUnreadable(id);
    return "deleted";
  }
  if (record === null) return null;
  if (isDue(record, now - KEEP_EXPIRED_MS)) {
    await records.remove(id);
    return "deleted";
  }
  return (await expireJob(jobs, id, now)) ? "expired" : null;
}

/**
 * Ends a job that is due. Its record then names no pictures, so they can be deleted. Returns false and changes nothing if
 * the job is not due: its owner may have retried it just now.
 */
export async function expireJob({ records, scheduler }: Jobs, id: string, now: number): Promise<boolean> {
  for (;;) {
    const record = await records.find(id);
    if (!record || !isDue(record, now)) return false;
    const { revision } = record;
    if (isFinal(record.status)) {
      if (await records.expire(id, now + KEEP_EXPIRED_MS, { revision })) return true;
    } else {
      const ended = { finished_at: new Date().toISOString(), attempt_id: null, checkpoint: null };
      const canceled = await records.transition(id, "cancel", ended, { revision });
      if (canceled) await scheduler.remove(record).catch(() => undefined);
    }
  }
}
