import { v7 as uuidv7 } from "uuid";
import { ProblemError } from "../../contract/problems.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import { jobFolder } from "../../jobs/records/job-blobs.ts";
import { deletePrefix } from "../../storage/delete-prefix.ts";
import type { Dependencies } from "../dependencies.ts";
import { emptyFields, type ParsedSubmission } from "./parsed-submission.ts";
import { isRejection, type Requester } from "./queue-job.ts";
import type { Spool } from "./spool.ts";
import { submitJob } from "./submit-job.ts";

/**
 * Queues a job for every content in every style: all of them, or none if one is rejected. The ids of the jobs are stored
 * first, so that a request repeated after a crash continues with the same jobs.
 */
export async function submitBatch(
  dependencies: Dependencies,
  spool: Spool,
  submission: ParsedSubmission,
  id: string,
  requester: Requester,
): Promise<Batch> {
  const { batches, queue, store, config } = dependencies;
  const { pictures, fields } = submission;
  checkBatch(submission, config.limits.batchJobs);
  const pairs = pictures.content.flatMap((_, content) =>
    pictures.style.map((_, style) => ({ content, style })),
  );
  const batch = await batches.create({
    id,
    owner: requester.owner,
    metadata: fields.metadata,
    created_at: new Date().toISOString(),
    jobs: pairs.map((pair) => ({ id: uuidv7(), ...pair })),
  });
  try {
    for (const { id: job, content, style } of batch.jobs) {
      // Copies: the store moves files, and each job can be deleted by itself.
      const copies = {
        ...emptyFields<string>(),
        content: [await spool.copy(pictures.content[content] ?? "")],
        style: [await spool.copy(pictures.style[style] ?? "")],
      };
      const names = { content: `content[${content}]`, "style[0]": `style[${style}]` };
      const owner = { ...requester, batch: id };
      await submitJob(dependencies, { pictures: copies, fields }, job, owner).catch((error: unknown) => {
        throw error instanceof ProblemError ? error.withPaths(names) : error;
      });
    }
  } catch (error) {
    if (isRejection(error)) {
      for (const { id: job } of batch.jobs) {
        if (await queue.delete(job)) await deletePrefix(store, jobFolder(job));
      }
      await batches.delete(id);
    }
    throw error;
  }
  return batch;
}

function checkBatch({ pictures }: ParsedSubmission, limit: number): void {
  const [contents, styles] = [pictures.content.length, pictures.style.length];
  if (contents * styles > limit) {
    const received = `${contents} contents in ${styles} styles = ${contents * styles} jobs`;
    throw ProblemError.forField("too_many_jobs", "style", `at most ${limit} jobs in a batch`, received);
  }
  for (const field of ["style_mask", "keep_mask", "init_picture"] as const) {
    if (pictures[field].length === 0) continue;
    throw ProblemError.forField("unknown_field", field, "only content and style in a batch", "a picture");
  }
}
