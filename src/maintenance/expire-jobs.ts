import { deleteJobBlobs } from "../jobs/pictures/delete-blobs.ts";
import type { PictureRegistry } from "../jobs/pictures/picture-registry.ts";
import { isDue, type JobRecord } from "../jobs/records/job-record.ts";
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
 */
export async function expireJobs(
  jobs: Jobs,
  store: BlobStore,
  at?: number,
): Promise<{ expired: number; deleted: number }> {
  const { records } = jobs;
  const now = at ?? (await records.now());
  const total = { expired: 0, deleted: 0 };
  for (;;) {
    const due = await dueJobs(records, now);
    let changed = 0;
    for (const record of due) {
      if (isDue(record, now - KEEP_EXPIRED_MS)) {
        await records.remove(record.id);
        total.deleted += 1;
      } else if (await expireJob(jobs, record.id, now)) {
        total.expired += 1;
      } else continue;
      await deleteJobBlobs(jobs.pictures, store, record.id);
      changed += 1;
    }
    if (changed === 0) return total;
  }
}

/** The jobs that are to expire or to be deleted, the earliest first. */
export async function dueJobs(records: RecordStore, now: number): Promise<JobRecord[]> {
  const ids = await records.due(now, BATCH);
  const found = await Promise.all(ids.map((id) => records.find(id)));
  return found.filter((record) => record !== null);
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
