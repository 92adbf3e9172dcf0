import { Refusal } from "../../contract/problems.ts";
import { checkPicture } from "../../images/intake.ts";
import { contentSize, type Size } from "../../images/picture-size.ts";
import { checkUrl } from "../../net/check-url.ts";
import { guardOf } from "../../net/guarded-request.ts";
import { QueueFullError, QuotaExceededError, type Submission } from "../../queue/job-queue.ts";
import type { JobRecord } from "../../queue/records/job-record.ts";
import type { BlobStore } from "../../storage/blob-store.ts";
import type { Dependencies } from "../dependencies.ts";
import { chooseOptions } from "./choose-options.ts";
import { picturesOf, type Submitted } from "./submitted.ts";

/** How much the shapes of two pictures of the same thing may differ: their edges are whole pixels. */
const SHAPE_TOLERANCE = 0.03;

/** By whom and with what a job is asked for. */
export type Asked = Pick<Submission, "traceparent" | "batch"> & { owner: string };

/**
 * Checks everything, stores the pictures and only then queues the job: what is accepted can be painted.
 * Throws a `Refusal` or what the queue and the store throw.
 */
export async function submitJob(
  { config, queue, store }: Dependencies,
  submitted: Submitted,
  id: string,
  asked: Asked,
): Promise<JobRecord> {
  const { limits } = config;
  const { fields, ...pictures } = submitted;
  if (fields.webhook) checkUrl(fields.webhook.url, "webhook.url", guardOf(config.urlNetworks));
  const picture = await checkPicture(pictures.contents[0] ?? "", "content", limits);
  const hasInitPicture = pictures.initPicture !== undefined;
  const styles = pictures.styles.length;
  const options = chooseOptions(fields.options, picture, { styles, hasInitPicture, limits });
  const { width, height } = contentSize(picture, options.size);
  const [, ...others] = picturesOf(pictures);
  await Promise.all(
    others.map(async ({ field, path }) => {
      const checked = await checkPicture(path, field, limits);
      if (!field.startsWith("style[")) checkFits(checked, picture, field);
    }),
  );

  const stored = picturesOf(pictures).map(({ field, path }) => ({ key: keyOf(id, field), path }));
  const keys = (field: string, list: string[]) => list.map((_, index) => keyOf(id, `${field}[${index}]`));
  try {
    await Promise.all(stored.map(({ key, path }) => store.putFile(key, path)));
    return await queue.submit({
      ...asked,
      id,
      options,
      content: keyOf(id, "content"),
      styles: keys("style", pictures.styles),
      ...(pictures.styleMasks.length > 0 && { style_masks: keys("style_mask", pictures.styleMasks) }),
      ...(pictures.keepMask !== undefined && { keep_mask: keyOf(id, "keep_mask") }),
      ...(hasInitPicture && { init_picture: keyOf(id, "init_picture") }),
      metadata: fields.metadata,
      pixels: width * height,
      ...(fields.webhook && { webhook: fields.webhook }),
      ...(fields.priority !== undefined && { priority: fields.priority }),
      ...(fields.expires_in !== undefined && { expires_at: inSeconds(fields.expires_in) }),
    });
  } catch (error) {
    // While Redis cannot be reached nobody knows whether it took the job: its pictures stay, and are swept
    // away later where no job uses them.
    if (error instanceof QueueFullError || error instanceof QuotaExceededError)
      await deleteAll(
        store,
        stored.map(({ key }) => key),
      );
    throw error;
  }
}

/** `style[0]` of a job lies at `jobs/{id}/style-0`. */
const keyOf = (id: string, field: string) => `jobs/${id}/${field.replace(/\[(\d+)\]$/, "-$1")}`;

/** Masks and the initial picture are laid over the content, and never stretched. */
function checkFits(picture: Size, content: Size, field: string): void {
  const ratio = picture.width / picture.height / (content.width / content.height);
  if (ratio > 1 - SHAPE_TOLERANCE && ratio < 1 / (1 - SHAPE_TOLERANCE)) return;
  const expected = `the content's shape, ${content.width} × ${content.height} px or a multiple of it`;
  throw Refusal.ofField("mismatched_masks", field, expected, `${picture.width} × ${picture.height} px`);
}

async function deleteAll(store: BlobStore, keys: string[]): Promise<void> {
  await Promise.allSettled(keys.map((key) => store.delete(key)));
}

export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}
