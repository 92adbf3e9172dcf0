import { isFinal } from "../jobs/records/job-states.ts";
import type { RecordStore } from "../jobs/records/record-store.ts";
import type { JobScheduler } from "../jobs/scheduling/job-scheduler.ts";

/**
 * Adds accepted jobs to the scheduler that it does not know: a process died between writing the record and adding the
 * job. Several processes may do this at once, as adding a known job changes nothing. Returns how many it added.
 */
export async function requeueLostJobs({
  records,
  scheduler,
}: {
  records: RecordStore;
  scheduler: JobScheduler;
}): Promise<number> {
  await records.recheckUnreadable();
  let count = 0;
  for await (const id of scheduler.lostJobs()) {
    const record = await records.findReadable(id);
    if (record === null || record === "unreadable" || isFinal(record.status)) continue;
    await scheduler.add(record);
    count++;
  }
  return count;
}
