import { randomInt } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import type { Limits } from "../../config.ts";
import type { Options, RequestOptions } from "../../contract/options.ts";
import { resolveOptions } from "../../contract/presets.ts";
import { type FieldError, Refusal } from "../../contract/problems.ts";
import { checkPicture } from "../../images/intake.ts";
import { contentSize, fitsContent, type Size, smallestContentEdge } from "../../images/picture-size.ts";
import { QueueFullError, QuotaExceededError } from "../../queue/job-queue.ts";
import type { JobRecord } from "../../queue/job-record.ts";
import type { BlobStore } from "../../storage/blob-store.ts";
import type { Dependencies } from "../dependencies.ts";
import type { Submitted } from "./submitted.ts";

/**
 * Checks everything, stores the pictures and only then queues the job: what is accepted can be painted.
 * Throws a `Refusal` or what the queue and the store throw.
 */
export async function submitJob(
  { config, queue, store }: Dependencies,
  owner: string,
  { content, styles, fields }: Submitted,
  id: string = uuidv7(),
  traceparent?: string,
): Promise<JobRecord> {
  const { limits } = config;
  const options = chooseOptions(fields.options, limits);
  const picture = await checkPicture(content, "content", limits);
  checkShape(picture, options.size);
  const { width, height } = contentSize(picture, options.size);
  await Promise.all(styles.map((path, index) => checkPicture(path, `style[${index}]`, limits)));

  const contentKey = `jobs/${id}/content`;
  const styleKeys = styles.map((_, index) => `jobs/${id}/style-${index}`);
  const keys = [contentKey, ...styleKeys];
  try {
    const paths = [content, ...styles];
    await Promise.all(keys.map((key, index) => store.putFile(key, paths[index] ?? "")));
    return await queue.submit({
      id,
      owner,
      options,
      content: contentKey,
      styles: styleKeys,
      metadata: fields.metadata,
      pixels: width * height,
      ...(traceparent !== undefined && { traceparent }),
      ...(fields.webhook && { webhook: fields.webhook }),
      ...(fields.priority !== undefined && { priority: fields.priority }),
      ...(fields.expires_in !== undefined && { expires_at: inSeconds(fields.expires_in) }),
    });
  } catch (error) {
    // While Redis cannot be reached nobody knows whether it took the job: its pictures stay, and are swept
    // away later where no job uses them.
    if (error instanceof QueueFullError || error instanceof QuotaExceededError) await deleteAll(store, keys);
    throw error;
  }
}

function chooseOptions(requested: RequestOptions, limits: Limits): Options {
  const options = resolveOptions(requested, randomInt(2 ** 32));
  const errors: FieldError[] = [];
  for (const name of ["size", "steps"] as const) {
    if (options[name] <= limits[name]) continue;
    const expected = `at most ${limits[name]} on this server`;
    errors.push({ path: `options.${name}`, expected, received: String(options[name]) });
  }
  if (errors.length === 0) return options;
  const detail = errors.map(
    ({ path, expected, received }) => `${path}: expected ${expected}, received ${received}`,
  );
  throw new Refusal("invalid_options", detail.join("; "), { errors });
}

function checkShape(content: Size, size: number): void {
  if (fitsContent(content, size)) return;
  const shape = `a picture of ${content.width} × ${content.height} px`;
  const expected = `at least ${smallestContentEdge(content)} for ${shape}`;
  throw Refusal.ofField("picture_too_narrow", "options.size", expected, String(size));
}

async function deleteAll(store: BlobStore, keys: string[]): Promise<void> {
  await Promise.allSettled(keys.map((key) => store.delete(key)));
}

function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}
