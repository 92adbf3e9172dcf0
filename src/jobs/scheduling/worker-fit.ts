import type { JobRecord } from "../records/job-record.ts";

/** Whether a worker has room for a job's result. The scripts compare the sizes of the queued jobs in the same way. */
export function fits(
  { options }: Pick<JobRecord, "options">,
  { largest_size }: { largest_size: number },
): boolean {
  return options.size <= largest_size;
}
