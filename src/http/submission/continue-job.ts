import { longestEdge, type Options } from "../../contract/options.ts";
import { suitableLearningRate } from "../../contract/presets.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { Continuation } from "../../contract/request.ts";
import { givenBlobKeys, type JobRecord, jobFolder } from "../../jobs/records/job-record.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { contentSize, type Size } from "../../pictures/picture-size.ts";
import { readSize } from "../../pictures/read-size.ts";
import { BlobNotFoundError, type BlobStore } from "../../storage/blob-store.ts";
import type { Dependencies } from "../dependencies.ts";
import { refuseContradictions } from "./choose-options.ts";
import { type Asked, queueJob } from "./queue-job.ts";

/**
 * Queues a job that starts as what another one painted, with the same pictures. It gets copies of them: each of the two
 * jobs may be forgotten without the other. Throws a `ProblemError` or what `queueJob` throws.
 */
export async function continueJob(
  { config, queue, store, urlPolicy }: Dependencies,
  before: JobRecord,
  { options: asked, ...fields }: Continuation,
  id: string,
  by: Asked,
): Promise<JobRecord> {
  if (fields.webhook) checkUrl(fields.webhook.url, "webhook.url", urlPolicy);
  const painted = stateOf(before);
  const content = await sizeOf(store, before);
  const options = continuedOptions(before.options, asked, content);
  const limits = config.limits;
  const askedSize = typeof asked.size === "string" ? asked.size : undefined;
  refuseContradictions(options, { styles: before.styles.length, hasInitPicture: true, limits, askedSize });

  const newKey = (key: string) => `${jobFolder(id)}${key.split("/").at(-1)}`;
  const init_picture = `${jobFolder(id)}init_picture`;
  const copies = [
    ...givenBlobKeys({ ...before, init_picture: null }).map((key) => [key, newKey(key)] as const),
    [painted, init_picture] as const,
  ];
  const { width, height } = contentSize(content, options.size);
  const job = {
    ...by,
    id,
    options,
    content: newKey(before.content),
    styles: before.styles.map(newKey),
    ...(before.style_masks && { style_masks: before.style_masks.map(newKey) }),
    ...(before.keep_mask !== null && { keep_mask: newKey(before.keep_mask) }),
    init_picture,
    continued_from: before.id,
    pixels: width * height,
  };
  const pictures = copies.map(([from, key]) => ({ key, store: () => copy(store, before, from, key) }));
  return await queueJob({ queue, store }, pictures, job, fields);
}

/** From the picture on there is no coarse size to begin with, and no noise to disturb it. */
function continuedOptions(before: Options, asked: Continuation["options"], content: Size): Options {
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const size = longestEdge(asked.size ?? before.size, Math.max(content.width, content.height));
  const fresh = { scales: 1, noise: 0, init: "picture", size } as const;
  const output = { ...before.output, ...asked.output };
  return { ...before, ...fresh, ...suitableLearningRate(asked), ...given, size, output } as Options;
}

function stateOf(record: JobRecord): string {
  if (record.status !== "succeeded") {
    throw new ProblemError("not_continuable", `Expected a succeeded job, received a ${record.status} one`);
  }
  const painted = record.state ?? record.result?.key;
  if (painted === undefined) throw expired(record);
  return painted;
}

async function sizeOf(store: BlobStore, record: JobRecord): Promise<Size> {
  return await readSize(await store.read(record.content).catch(orExpired(record)));
}

async function copy(store: BlobStore, record: JobRecord, from: string, to: string): Promise<void> {
  const { stream } = await store.get(from).catch(orExpired(record));
  await store.put(to, stream);
}

const orExpired = (record: JobRecord) => (error: unknown) => {
  throw error instanceof BlobNotFoundError ? expired(record) : error;
};

function expired({ id }: JobRecord): ProblemError {
  return new ProblemError(
    "result_expired",
    `Expected a job whose pictures are still kept; those of ${id} are gone`,
  );
}
