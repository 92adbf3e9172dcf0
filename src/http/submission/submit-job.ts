import { ProblemError } from "../../contract/problems.ts";
import { jobFolder } from "../../jobs/records/job-blobs.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { PictureProblem } from "../../pictures/picture-problem.ts";
import { contentSize, type Size } from "../../pictures/picture-size.ts";
import { validatePicture } from "../../pictures/validate-picture.ts";
import type { Dependencies } from "../dependencies.ts";
import { resolveJobOptions } from "./job-options.ts";
import {
  type ParsedSubmission,
  PICTURE_FIELDS,
  type PictureField,
  pictureName,
} from "./parsed-submission.ts";
import { queueJob, type Requester } from "./queue-job.ts";

/** How much the aspect ratios of two pictures of the same subject may differ: their edges are whole pixels. */
const ASPECT_RATIO_TOLERANCE = 0.03;

/** Validates the submission, stores its pictures and queues the job. Throws a `ProblemError` or what `queueJob` throws. */
export async function submitJob(
  { config, queue, store, urlPolicy, picturePool }: Dependencies,
  { pictures, fields }: ParsedSubmission,
  id: string,
  requester: Requester,
): Promise<JobRecord> {
  const { limits } = config;
  if (fields.webhook) checkUrl(fields.webhook.url, "webhook.url", urlPolicy);
  const validate = async (path: string, name: string) =>
    await validatePicture(picturePool, path, requester.owner, limits).catch((error: unknown) => {
      throw error instanceof PictureProblem ? error.forField(name) : error;
    });
  const content = await validate(pictures.content[0] ?? "", "content");
  const hasInitPicture = pictures.init_picture.length > 0;
  const options = resolveJobOptions(fields.options, content, {
    ...{ styles: pictures.style.length, hasInitPicture, limits },
  });
  const files = PICTURE_FIELDS.flatMap((field) =>
    pictures[field].map((path, index) => ({ field, name: pictureName(field, index), path })),
  );
  await Promise.all(
    files.map(async ({ field, name, path }) => {
      if (field === "content") return;
      const picture = await validate(path, name);
      if (field !== "style") checkAspectRatio(picture, content, name);
    }),
  );

  const keys = (field: PictureField) =>
    pictures[field].map((_, index) => blobKey(id, pictureName(field, index)));
  const [keep_mask, init_picture] = [keys("keep_mask")[0], keys("init_picture")[0]];
  const style_masks = keys("style_mask");
  const { width, height } = contentSize(content, options.size);
  const job = {
    ...requester,
    id,
    options,
    content: blobKey(id, "content"),
    styles: keys("style"),
    ...(style_masks.length > 0 && { style_masks }),
    ...(keep_mask !== undefined && { keep_mask }),
    ...(init_picture !== undefined && { init_picture }),
    pixels: width * height,
  };
  const stored = files.map(({ name, path }) => {
    const key = blobKey(id, name);
    return { key, store: () => store.putFile(key, path) };
  });
  return await queueJob({ queue, store }, stored, job, fields);
}

/** `style[0]` of a job is stored as `jobs/{id}/style-0`. */
const blobKey = (id: string, name: string) => `${jobFolder(id)}${name.replace(/\[(\d+)\]$/, "-$1")}`;

/** Masks and the initial picture are scaled to the content's size, and must not be distorted by that. */
function checkAspectRatio(picture: Size, content: Size, name: string): void {
  const ratio = picture.width / picture.height / (content.width / content.height);
  if (ratio > 1 - ASPECT_RATIO_TOLERANCE && ratio < 1 / (1 - ASPECT_RATIO_TOLERANCE)) return;
  const expected = `the aspect ratio of the content (${content.width} × ${content.height} px)`;
  throw ProblemError.forField("mismatched_masks", name, expected, `${picture.width} × ${picture.height} px`);
}
