import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { JobQueue } from "../../src/jobs/job-queue.ts";
import type { Submission } from "../../src/jobs/records/new-record.ts";

/** A job as the API would submit it; the queue never looks at the pictures. */
export function submission(more: Partial<Submission> = {}): Submission {
  const id = more.id ?? v7();
  return {
    id,
    options: resolveOptions({ preset: "draft", size: 64, steps: 10 }, 1),
    content: `jobs/${id}/content`,
    styles: [`jobs/${id}/style-0`],
    metadata: { made_by: "a test" },
    ...more,
  };
}

/** Jobs that will be taken before this one; null where it does not wait. */
export async function positionOf(queue: JobQueue, id: string): Promise<number | null> {
  return (await queue.getPosition({ id, status: "queued" }))?.position ?? null;
}
