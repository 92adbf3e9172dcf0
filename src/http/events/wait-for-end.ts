import type { JobQueue } from "../../jobs/job-queue.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";

/** The seconds of `wait` in a `Prefer` header (RFC 7240, section 4.3); null without one. */
export function preferredWait(header: string | string[] | undefined): number | null {
  const preferences = [header ?? []].flat().join(",").split(",");
  for (const preference of preferences) {
    const match = /^\s*wait\s*=\s*"?(\d{1,6})"?\s*(;.*)?$/i.exec(preference);
    if (match) return Number(match[1]);
  }
  return null;
}

/** Waits until the job has ended or `signal` is aborted. Returns its current record; null if it has been deleted. */
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
