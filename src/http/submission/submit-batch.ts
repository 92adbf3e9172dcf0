import { v7 as uuidv7 } from "uuid";
import { ProblemError } from "../../contract/problems.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import { deleteJobBlobs } from "../../jobs/pictures/delete-blobs.ts";
import type { Dependencies } from "../dependencies.ts";
import { emptyFields, type ParsedSubmission } from "./parsed-submission.ts";
import { isRejection, type NewJob, queueJob, type Requester } from "./queue-job.ts";
import { RequestPictures } from "./request-pictures.ts";
import { type PreparedJob, prepareJob } from "./submit-job.ts";

/**
 * Queues a job for every content in every style: all of them, or none if one is rejected. The ids of the jobs are stored
 * first, so that a request repeated after a crash continues with the same jobs.
 */
export async function submitBatch(
  dependencies: Dependencies,
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
  const uploads = new RequestPictures(dependencies, requester.owner);
  try {
    // No job is queued before all of them are known to be valid.
    const prepared: PreparedJob[] = [];
    for (const { id: job, content, style } of batch.jobs) {
      const names = { content: `content[${content}]`, "style[0]": `style[${style}]` };
      const pair = {
        ...emptyFields<string>(),
        content: [pictures.content[content] ?? ""],
        style: [pictures.style[style] ?? ""],
      };
      const owner = { ...requester, batch: id };
      const one = await prepareJob(dependencies, uploads, { pictures: pair, fields }, job, owner).catch(
        (error: unknown) => {
          throw error instanceof ProblemError ? error.withPaths(names) : error;
        },
      );
      prepared.push(one);
    }
    const jobs: NewJob[] = [];
    for (const job of prepared) jobs.push(await job.store());
    // A queued job tells its webhook so, and that cannot be taken back.
    await queue.checkLimits(requester.owner, jobs.length);
    for (const job of jobs) await queueJob(dependencies, job, fields);
  } catch (error) {
    if (isRejection(error)) {
      for (const { id: job } of batch.jobs) {
        if (await queue.delete(job)) await deleteJobBlobs(queue.pictures, store, job);
      }
      await batches.delete(id);
    }
    throw error;
  } finally {
    await uploads.release();
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
