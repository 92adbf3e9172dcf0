import { Refusal } from "../../contract/problems.ts";
import type { JobQueue } from "../../queue/job-queue.ts";
import type { JobRecord } from "../../queue/job-record.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function jobNotFound(id: string): Refusal {
  return new Refusal(
    "job_not_found",
    `Expected the id of a job, received ${JSON.stringify(id.slice(0, 64))}`,
  );
}

/** Throws a `Refusal` where there is no such job. */
export async function findJob(queue: JobQueue, id: string): Promise<JobRecord> {
  return await existing(id, (known) => queue.find(known));
}

/** What `action` gives for a job, or a `Refusal` where there is no such job. */
export async function existing<Found>(
  id: string,
  action: (id: string) => Promise<Found | null>,
): Promise<Found> {
  const found = UUID.test(id) ? await action(id) : null;
  if (found === null) throw jobNotFound(id);
  return found;
}
