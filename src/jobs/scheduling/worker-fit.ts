import type { JobRecord } from "../records/job-record.ts";

/** Whether a worker has room for a job's result. For the scripts lua/includes/fits.lua has the same rule. */
export function fits(
  { options }: Pick<JobRecord, "options">,
  { largest_size }: { largest_size: number },
): boolean {
  return options.size <= largest_size;
}
