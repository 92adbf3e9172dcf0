import { givenBlobKeys, type JobRecord } from "../queue/records/job-record.ts";
import type { RedisJobQueue } from "../queue/redis-job-queue.ts";
import type { BlobStore } from "../storage/blob-store.ts";

const PAGE = 200;

/**
 * Fails waiting jobs whose pictures are gone, which no worker could paint: their owners need not wait for their turn to
 * get to know. Any number of processes may do so at once. Gives how many these were. From a store that is empty nothing is
 * concluded: it is not the one that the pictures were put into, but a disk that is not mounted.
 */
export async function failJobsWithoutPictures(queue: RedisJobQueue, store: BlobStore): Promise<number> {
  if (await isEmpty(store)) return 0;
  let count = 0;
  for (let before: string | undefined; ; ) {
    const page = await queue.list({ status: "queued", limit: PAGE, ...(before && { before }) });
    for (const record of page) {
      if ((await lacksPicture(store, record)) && (await queue.upkeep.failWithoutPictures(record))) count += 1;
    }
    before = page.at(-1)?.id;
    if (before === undefined) return count;
  }
}

async function isEmpty(store: BlobStore): Promise<boolean> {
  for await (const _ of store.list("jobs/")) return false;
  return true;
}

async function lacksPicture(store: BlobStore, record: JobRecord): Promise<boolean> {
  for (const key of givenBlobKeys(record)) if ((await store.stat(key)) === null) return true;
  return false;
}
