import { ProblemError } from "../../contract/problems.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { contentSize, type Size } from "../../pictures/picture-size.ts";
import type { Dependencies } from "../dependencies.ts";
import { resolveJobOptions } from "./job-options.ts";
import {
  type ByField,
  emptyFields,
  type ParsedSubmission,
  PICTURE_FIELDS,
  pictureName,
} from "./parsed-submission.ts";
import { type NewJob, queueJob, type Requester } from "./queue-job.ts";
import { RequestPictures, type ValidatedPicture } from "./request-pictures.ts";

/** How much the aspect ratios of two pictures of the same subject may differ: their edges are whole pixels. */
const ASPECT_RATIO_TOLERANCE = 0.03;

/** Validates the submission, stores its pictures and queues the job. Throws a `ProblemError` or what `queueJob` throws. */
export async function submitJob(
  dependencies: Dependencies,
  submission: ParsedSubmission,
  id: string,
  requester: Requester,
): Promise<JobRecord> {
  const pictures = new RequestPictures(dependencies, requester.owner);
  try {
    const job = await prepareJob(dependencies, pictures, submission, id, requester);
    return await queueJob(dependencies, await job.store(), submission.fields);
  } finally {
    await pictures.release();
  }
}

/** A job whose pictures and options are valid. */
export interface PreparedJob {
  /** Stores its pictures: then it can be queued. */
  store(): Promise<NewJob>;
}

/** Validates the pictures and options of a job. Throws a `ProblemError`. */
export async function prepareJob(
  { config: { limits }, urlPolicy }: Dependencies,
  requestPictures: RequestPictures,
  { pictures: paths, fields }: ParsedSubmission,
  id: string,
  requester: Requester,
): Promise<PreparedJob> {
  if (fields.webhook) checkUrl(fields.webhook.url, "webhook.url", urlPolicy);
  const { frame = "only" } = fields.options;
  const { facts: content } = await requestPictures.validate(paths.content[0] ?? "", "content", frame);
  const options = resolveJobOptions(fields.options, content, {
    ...{ styles: paths.style.length, hasInitPicture: paths.init_picture.length > 0, limits },
  });
  const pictures = emptyFields<ValidatedPicture>();
  await Promise.all(
    PICTURE_FIELDS.flatMap((field) =>
      paths[field].map(async (path, index) => {
        const name = pictureName(field, index);
        const picture = await requestPictures.validate(path, name, frame);
        const isOfContent = field !== "content" && field !== "style";
        if (isOfContent) checkAspectRatio(picture.facts, content, name);
        pictures[field][index] = picture;
      }),
    ),
  );
  const { width, height } = contentSize(content, options.size);
  const store = async (): Promise<NewJob> => {
    const keys = await storeAll(requestPictures, pictures);
    const [[contentKey = ""], [keep_mask], [init_picture]] = [
      keys.content,
      keys.keep_mask,
      keys.init_picture,
    ];
    return {
      ...requester,
      id,
      options,
      content: contentKey,
      styles: keys.style,
      ...(keys.style_mask.length > 0 && { style_masks: keys.style_mask }),
      ...(keep_mask !== undefined && { keep_mask }),
      ...(init_picture !== undefined && { init_picture }),
      pixels: width * height,
    };
  };
  return { store };
}

/** Stores the pictures and returns the keys of their blobs. */
async function storeAll(
  requestPictures: RequestPictures,
  pictures: ByField<ValidatedPicture>,
): Promise<ByField<string>> {
  const keys = emptyFields<string>();
  for (const field of PICTURE_FIELDS) {
    keys[field] = await Promise.all(pictures[field].map((picture) => requestPictures.store(picture)));
  }
  return keys;
}

/** Masks and the initial picture are scaled to the content's size, and must not be distorted by that. */
function checkAspectRatio(picture: Size, content: Size, name: string): void {
  const ratio = picture.width / picture.height / (content.width / content.height);
  if (ratio > 1 - ASPECT_RATIO_TOLERANCE && ratio < 1 / (1 - ASPECT_RATIO_TOLERANCE)) return;
  const expected = `the aspect ratio of the content (${content.width} × ${content.height} px)`;
  throw ProblemError.forField("mismatched_masks", name, expected, `${picture.width} × ${picture.height} px`);
}
