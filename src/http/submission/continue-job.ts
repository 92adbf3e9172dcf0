import { longestEdge, type Options } from "../../contract/options.ts";
import { methodOptions } from "../../contract/presets.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { Continuation } from "../../contract/request.ts";
import { PictureMissingError } from "../../jobs/job-limits.ts";
import { jobFolder } from "../../jobs/records/job-blobs.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { contentSize, type Size } from "../../pictures/picture-size.ts";
import { BlobNotFoundError, type BlobStore } from "../../storage/blob-store.ts";
import type { Dependencies } from "../dependencies.ts";
import { checkOptions } from "./job-options.ts";
import { isRejection, queueJob, type Requester } from "./queue-job.ts";

/**
 * Queues a job that starts with the result of a succeeded job. It uses the same pictures, and a copy of the result, so that either
 * job can be deleted. Throws a `ProblemError` or what `queueJob` throws.
 */
export async function continueJob(
  { config, queue, store, urlPolicy }: Dependencies,
  previous: JobRecord,
  { options: requested, ...settings }: Continuation,
  id: string,
  requester: Requester,
): Promise<JobRecord> {
  if (settings.webhook) checkUrl(settings.webhook.url, "webhook.url", urlPolicy);
  const result = resultKey(previous);
  const content = await queue.pictures.find(previous.content);
  if (!content) throw expired(previous);
  const options = continuedOptions(previous.options, requested, content);
  checkOptions(options, {
    ...{ styles: previous.styles.length, hasInitPicture: true },
    ...{ limits: config.limits, requestedSize: requested.size },
  });

  const init_picture = `${jobFolder(id)}init_picture`;
  const { width, height } = contentSize(content, options.size);
  const job = {
    ...requester,
    id,
    options,
    content: previous.content,
    styles: previous.styles,
    ...(previous.style_masks && { style_masks: previous.style_masks }),
    ...(previous.keep_mask !== null && { keep_mask: previous.keep_mask }),
    init_picture,
    continued_from: previous.id,
    pixels: width * height,
  };
  try {
    await copyBlob(store, previous, result, init_picture);
    return await queueJob({ queue }, job, settings);
  } catch (error) {
    // After any other error, or in an earlier request with this id, the job may exist.
    const isUnused = isRejection(error) && (await queue.find(id).catch(() => true)) === null;
    if (isUnused) await store.delete(init_picture).catch(() => undefined);
    throw error instanceof PictureMissingError ? expired(previous) : error;
  }
}

/** The start is a finished picture: a coarse scale or noise would destroy it. */
function continuedOptions(previous: Options, requested: Continuation["options"], content: Size): Options {
  const given = Object.fromEntries(Object.entries(requested).filter(([, value]) => value !== undefined));
  const size = longestEdge(requested.size ?? previous.size, Math.max(content.width, content.height));
  const start = { scales: 1, noise: 0, init: "picture", size } as const;
  const output = { ...previous.output, ...requested.output };
  const method = requested.style_distance ?? previous.style_distance;
  const ofMethod = method === previous.style_distance ? {} : methodOptions(method);
  return { ...previous, ...start, ...ofMethod, ...given, size, output } as Options;
}

/** The key of the picture to continue from: without the output's conversions if it was stored. */
function resultKey(record: JobRecord): string {
  if (record.status !== "succeeded") {
    throw new ProblemError("not_continuable", `Expected a succeeded job, received a ${record.status} one`);
  }
  const key = record.raw_result ?? record.result?.key;
  if (key === undefined) throw expired(record);
  return key;
}

async function copyBlob(store: BlobStore, record: JobRecord, from: string, to: string): Promise<void> {
  const { stream } = await store.get(from).catch(toExpired(record));
  await store.put(to, stream);
}

const toExpired = (record: JobRecord) => (error: unknown) => {
  throw error instanceof BlobNotFoundError ? expired(record) : error;
};

function expired({ id }: JobRecord): ProblemError {
  return new ProblemError("result_expired", `The pictures of job ${id} have been deleted`);
}
