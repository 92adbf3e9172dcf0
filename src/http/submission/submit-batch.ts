import { v7 as uuidv7 } from "uuid";
import { ProblemError } from "../../contract/problems.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import { jobFolder } from "../../jobs/records/job-record.ts";
import { deleteFolder } from "../../storage/delete-folder.ts";
import type { Dependencies } from "../dependencies.ts";
import { type Asked, wasRefused } from "./queue-job.ts";
import type { Spool } from "./spool.ts";
import { submitJob } from "./submit-job.ts";
import type { Submitted } from "./submitted.ts";

/**
 * Queues a job for every content in every style: all of them, or none where one is refused. Which jobs these are is
 * written first, so that the same request made again after a crash goes on with just these.
 */
export async function submitBatch(
  dependencies: Dependencies,
  spool: Spool,
  submitted: Submitted,
  id: string,
  by: Asked,
): Promise<Batch> {
  const { batches, queue, store, config } = dependencies;
  const { contents, styles, fields } = submitted;
  checkBatch(submitted, config.limits.batchJobs);
  const pairs = contents.flatMap((_, content) => styles.map((_, style) => ({ content, style })));
  const batch = await batches.create({
    id,
    owner: by.owner,
    metadata: fields.metadata,
    created_at: new Date().toISOString(),
    jobs: pairs.map((pair) => ({ id: uuidv7(), ...pair })),
  });
  try {
    for (const { id: job, content, style } of batch.jobs) {
      // Each job has pictures of its own, as it may be forgotten by itself; the store takes files over.
      const [own, look] = [contents[content] ?? "", styles[style] ?? ""];
      const pictures = {
        contents: [await spool.copy(own)],
        styles: [await spool.copy(look)],
        styleMasks: [],
      };
      const names = { content: `content[${content}]`, "style[0]": `style[${style}]` };
      await submitJob(dependencies, { ...pictures, fields }, job, { ...by, batch: id }).catch(
        (error: unknown) => {
          throw error instanceof ProblemError ? error.renamed(names) : error;
        },
      );
    }
  } catch (error) {
    if (wasRefused(error)) {
      for (const { id: job } of batch.jobs) {
        if (await queue.delete(job)) await deleteFolder(store, jobFolder(job));
      }
      await batches.delete(id);
    }
    throw error;
  }
  return batch;
}

function checkBatch({ contents, styles, styleMasks, keepMask, initPicture }: Submitted, most: number): void {
  const count = contents.length * styles.length;
  if (count > most) {
    const received = `${contents.length} contents in ${styles.length} styles, which are ${count}`;
    throw ProblemError.forField("too_many_jobs", "style", `at most ${most} jobs in a batch`, received);
  }
  const foreign = { style_mask: styleMasks[0], keep_mask: keepMask, init_picture: initPicture };
  for (const [field, path] of Object.entries(foreign)) {
    if (path === undefined) continue;
    throw ProblemError.forField("unknown_field", field, "only content and style in a batch", "a picture");
  }
}
