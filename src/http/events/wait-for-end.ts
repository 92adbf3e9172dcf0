import type { JobQueue } from "../../jobs/job-queue.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";

/** Waits for a job to end, until `signal` is aborted. Gives its record as it then is; null: it was deleted. */
export async function waitForEnd(
  queue: JobQueue,
  id: string,
  signal: AbortSignal,
): Promise<JobRecord | null> {
  let wake: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const unwatch = await queue.watch(id, ({ status }) => {
    if (isFinal(status)) wake();
  });
  signal.addEventListener("abort", wake, { once: true });
  try {
    const record = await queue.find(id);
    if (!record || isFinal(record.status)) return record;
    if (!signal.aborted) await ended;
    return await queue.find(id);
  } finally {
    signal.removeEventListener("abort", wake);
    await unwatch();
  }
}
