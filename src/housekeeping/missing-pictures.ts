import { givenBlobKeys, type JobRecord } from "../queue/job-record.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import type { BlobStore } from "../storage/blob-store.ts";

const PAGE = 200;

/**
 * Fails waiting jobs whose pictures are gone, which no worker could paint: their owners need not wait for their turn to
 * get to know. Any number of processes may do so at once. Gives how many these were.
 */
export async function failJobsWithoutPictures(queue: RedisJobQueue, store: BlobStore): Promise<number> {
  let count = 0;
  for (let before: string | undefined; ; ) {
    const page = await queue.list({ status: "queued", limit: PAGE, ...(before && { before }) });
    for (const record of page) {
      if ((await lacksPicture(store, record)) && (await queue.failWithoutPictures(record))) count += 1;
    }
    before = page.at(-1)?.id;
    if (before === undefined) return count;
  }
}

async function lacksPicture(store: BlobStore, record: JobRecord): Promise<boolean> {
  for (const key of givenBlobKeys(record)) if ((await store.stat(key)) === null) return true;
  return false;
}
