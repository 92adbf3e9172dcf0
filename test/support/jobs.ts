import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import type { JobQueue } from "../../src/jobs/job-queue.ts";
import type { Submission } from "../../src/jobs/records/new-record.ts";

/** A job as the API submits it. The queue never reads the pictures. */
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

/** How many jobs are ahead of this one; null if it is not queued. */
export async function positionOf(queue: JobQueue, id: string): Promise<number | null> {
  return (await queue.getPosition({ id, status: "queued" }))?.position ?? null;
}
