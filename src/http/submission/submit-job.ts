import { ProblemError } from "../../contract/problems.ts";
import { type JobRecord, jobFolder } from "../../jobs/records/job-record.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { contentSize, type Size } from "../../pictures/picture-size.ts";
import { validatePicture } from "../../pictures/validate-picture.ts";
import type { Dependencies } from "../dependencies.ts";
import { chooseOptions } from "./choose-options.ts";
import { type Asked, queueJob } from "./queue-job.ts";
import { picturesOf, type Submitted } from "./submitted.ts";

/** How much the shapes of two pictures of the same thing may differ: their edges are whole pixels. */
const SHAPE_TOLERANCE = 0.03;

/** Checks everything, then stores the pictures and queues the job. Throws a `ProblemError` or what `queueJob` throws. */
export async function submitJob(
  { config, queue, store, urlPolicy }: Dependencies,
  submitted: Submitted,
  id: string,
  asked: Asked,
): Promise<JobRecord> {
  const { limits } = config;
  const { fields, ...pictures } = submitted;
  if (fields.webhook) checkUrl(fields.webhook.url, "webhook.url", urlPolicy);
  const picture = await validatePicture(pictures.contents[0] ?? "", "content", limits);
  const hasInitPicture = pictures.initPicture !== undefined;
  const styles = pictures.styles.length;
  const options = chooseOptions(fields.options, picture, { styles, hasInitPicture, limits });
  const { width, height } = contentSize(picture, options.size);
  const [, ...others] = picturesOf(pictures);
  await Promise.all(
    others.map(async ({ field, path }) => {
      const checked = await validatePicture(path, field, limits);
      if (!field.startsWith("style[")) checkFits(checked, picture, field);
    }),
  );

  const keys = (field: string, list: string[]) => list.map((_, index) => keyOf(id, `${field}[${index}]`));
  const job = {
    ...asked,
    id,
    options,
    content: keyOf(id, "content"),
    styles: keys("style", pictures.styles),
    ...(pictures.styleMasks.length > 0 && { style_masks: keys("style_mask", pictures.styleMasks) }),
    ...(pictures.keepMask !== undefined && { keep_mask: keyOf(id, "keep_mask") }),
    ...(hasInitPicture && { init_picture: keyOf(id, "init_picture") }),
    pixels: width * height,
  };
  const stored = picturesOf(pictures).map(({ field, path }) => {
    const key = keyOf(id, field);
    return { key, store: () => store.putFile(key, path) };
  });
  return await queueJob({ queue, store }, stored, job, fields);
}

/** `style[0]` of a job lies at `jobs/{id}/style-0`. */
const keyOf = (id: string, field: string) => `${jobFolder(id)}${field.replace(/\[(\d+)\]$/, "-$1")}`;

/** Masks and the initial picture are laid over the content, and never stretched. */
function checkFits(picture: Size, content: Size, field: string): void {
  const ratio = picture.width / picture.height / (content.width / content.height);
  if (ratio > 1 - SHAPE_TOLERANCE && ratio < 1 / (1 - SHAPE_TOLERANCE)) return;
  const expected = `the content's shape, ${content.width} × ${content.height} px or a multiple of it`;
  throw ProblemError.forField("mismatched_masks", field, expected, `${picture.width} × ${picture.height} px`);
}
