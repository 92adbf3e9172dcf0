import type { FastifyReply } from "fastify";
import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { signedQuery } from "../../../../../contract/links.ts";
import { requestFormatSchema } from "../../../../../contract/options.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import type { JobRecord, StoredPicture } from "../../../../../jobs/records/job-record.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import {
  fileExtension,
  MEDIA_TYPES,
  PICTURE_TYPES,
  type PictureType,
} from "../../../../../pictures/picture-type.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { negotiateMediaType } from "../../../../files/negotiate-media-type.ts";
import { redirectToStore } from "../../../../files/redirect-to-store.ts";
import { type StoredFile, sendFile } from "../../../../files/send-file.ts";
import { getJob } from "../../../../get-job.ts";
import { binarySchema } from "../../../../openapi/binary.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { retryAfter } from "../../../../views/job-view.ts";

const DEFAULT_QUALITY = 90;
const QUALITY = "Quality of a lossy format, if it is not the format of the job's output.";

/** GET /v1/jobs/{id}/result. */
const result: ApiPlugin = async (app, { config, queue, store, derivedPictures }) => {
  app.get(
    "/result",
    {
      config: { scope: "read", signedLinks: true },
      schema: {
        operationId: "getResult",
        summary: "Returns the finished picture, in the format that the client prefers",
        tags: ["result"],
        params: jobIdParams,
        querystring: z.strictObject({
          format: requestFormatSchema.optional().describe("File format; takes precedence over `Accept`."),
          quality: z.coerce.number().int().min(1).max(100).optional().describe(QUALITY),
          ...signedQuery,
        }),
        response: {
          200: pictureResponse("The picture."),
          206: pictureResponse("The part of the file that `Range` selects."),
          304: z.undefined().describe("The client already has the picture."),
          307: z
            .undefined()
            .describe("The picture is at `Location` for a short time, if the service is configured so."),
          ...problemResponses(
            "invalid_request",
            "job_not_found",
            "not_acceptable",
            "result_not_ready",
            "no_result",
          ),
          ...problemResponses(
            "result_expired",
            "range_not_satisfiable",
            "too_many_conversions",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await getJob(queue, request);
      const original = requireResult(record);
      const { quality, format = negotiateFormat(request.headers.accept, original) } = request.query;
      const file = await resultFile(reply, record, original, format, quality);
      const redirected = await redirectToStore(request, reply, store, file, config.presignedUrlSeconds);
      return redirected ?? (await sendFile(request, reply, store, file));
    },
  );

  const resultFile = async (
    reply: FastifyReply,
    record: JobRecord,
    original: StoredPicture,
    format: PictureType,
    quality?: number,
  ): Promise<StoredFile> => {
    const { id } = record;
    const file = {
      mediaType: MEDIA_TYPES[format],
      fileName: `painting-${id}.${fileExtension(format)}`,
      cacheControl: "private, max-age=300",
    };
    if (original.media_type === file.mediaType && quality === undefined) {
      return { ...file, key: original.key, etag: `"${id}"` };
    }
    const output = { format, quality: format === "png" ? 100 : (quality ?? DEFAULT_QUALITY) };
    const derivation = { name: `${format}-${output.quality}`, sources: [original.key], output };
    const key = await derivedPictures.getOrCreate(record, derivation, reply);
    return { ...file, key, etag: `"${id}.${format}.${output.quality}"` };
  };
};

export default result;

function pictureResponse(description: string) {
  const types = PICTURE_TYPES.map((type) => [MEDIA_TYPES[type], { schema: binarySchema }] as const);
  return { description, content: Object.fromEntries(types) };
}

/**
 * The format that was painted, unless the client excludes it: browsers and Java name other types first, without a wish. A
 * client that asks for no picture at all, such as `application/json`, gets it too (RFC 9110, section 12.5.1).
 */
function negotiateFormat(accept: string | undefined, { media_type }: StoredPicture): PictureType {
  const others = PICTURE_TYPES.map((type) => MEDIA_TYPES[type]).filter((type) => type !== media_type);
  const offered = [media_type, ...others];
  const asksForPictures = /\bimage\//i.test(accept ?? "");
  const chosen =
    negotiateMediaType(accept, [media_type]) ??
    negotiateMediaType(accept, others) ??
    (asksForPictures ? null : media_type);
  const format = PICTURE_TYPES.find((type) => MEDIA_TYPES[type] === chosen);
  if (format) return format;
  const expected = `one of ${offered.join(", ")}`;
  throw ProblemError.forField("not_acceptable", "accept", expected, String(accept).slice(0, 80));
}

/** The result of a job. Throws a `ProblemError` if there is none. */
function requireResult(record: JobRecord): StoredPicture {
  const { status, error } = record;
  if (status === "succeeded") {
    if (record.result) return record.result;
    throw new ProblemError("result_expired", `The pictures of job ${record.id} have been deleted`);
  }
  const detail = `Expected a succeeded job, received a ${status} one`;
  if (isFinal(status)) {
    throw new ProblemError("no_result", error ? `${detail} (${error.code}: ${error.message})` : detail);
  }
  throw new ProblemError("result_not_ready", detail, { retryAfter: retryAfter(record, null) ?? 1 });
}
