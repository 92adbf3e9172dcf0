import { z } from "zod";
import { signedQuery } from "../../contract/links.ts";
import { PROBLEMS, ProblemError } from "../../contract/problems.ts";
import { type JobRecord, jobFolder, type StoredPicture } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { convertPicture } from "../../pictures/encode.ts";
import { endingOf, MEDIA_TYPES, PICTURE_TYPES, type PictureType } from "../../pictures/picture-type.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { chooseMediaType } from "../files/accept.ts";
import { Conversions } from "../files/conversion.ts";
import { redirectToStore } from "../files/redirect-to-store.ts";
import { type StoredFile, sendFile } from "../files/send-file.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { retryAfter } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

const DEFAULT_QUALITY = 90;

const querySchema = z.strictObject({
  format: z.enum(PICTURE_TYPES).optional().describe("File format; stronger than `Accept`."),
  quality: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe("Quality of the lossy formats, where the format is not the one that was painted."),
  ...signedQuery,
});

/** GET /v1/jobs/{id}/result: the painted picture, in the format that the client wants. */
export function resultRoutes(app: App, { config, queue, store }: Dependencies): void {
  const conversions = new Conversions(store);

  const chooseFile = async (
    record: JobRecord,
    format: PictureType,
    quality?: number,
  ): Promise<StoredFile> => {
    const painted = resultOf(record);
    const common = {
      mediaType: MEDIA_TYPES[format],
      fileName: `painting-${record.id}.${endingOf(format)}`,
      cacheControl: "private, max-age=300",
    };
    if (painted.media_type === MEDIA_TYPES[format] && quality === undefined) {
      return { ...common, key: painted.key, etag: `"${record.id}"` };
    }
    const encoding = { format, quality: format === "png" ? 100 : (quality ?? DEFAULT_QUALITY) };
    const make = async () => convertPicture(await store.read(painted.key), encoding);
    const name = `${encoding.format}-${encoding.quality}`;
    const key = await conversions.find(jobFolder(record.id), name, make);
    return { ...common, key, etag: `"${record.id}.${format}.${encoding.quality}"` };
  };

  app.get(
    "/v1/jobs/:id/result",
    {
      config: { scope: "read", linkable: true },
      schema: {
        operationId: "getResult",
        summary: "Gives the painted picture",
        tags: ["result"],
        params: z.object({ id: z.string() }),
        querystring: querySchema,
        response: {
          200: pictures("The picture."),
          206: pictures("The part of the picture's file that `Range` asks for."),
          304: z.undefined().describe("The client has the picture already."),
          307: z
            .undefined()
            .describe(
              "The picture is to be had at `Location`, for a short time (where the service is set so).",
            ),
          ...problemResponses(
            "invalid_request",
            "job_not_found",
            "not_acceptable",
            "result_not_ready",
            "no_result",
            "result_expired",
            "range_not_satisfiable",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await findJob(queue, request);
      const { format, quality } = request.query;
      const painted = resultOf(record);
      const chosen = format ?? negotiate(request.headers.accept, painted);
      const file = await chooseFile(record, chosen, quality);
      const redirected = await redirectToStore(request, reply, store, file, config.linkSeconds);
      return redirected ?? (await sendFile(request, reply, store, file));
    },
  );
}

function pictures(description: string) {
  const types = PICTURE_TYPES.map((type) => [MEDIA_TYPES[type], { schema: binarySchema }] as const);
  return { description, content: Object.fromEntries(types) };
}

/** What was painted, where it is as welcome as anything else: a browser that knows AVIF still gets the PNG. */
function negotiate(accept: string | undefined, painted: StoredPicture): PictureType {
  const others = PICTURE_TYPES.map((type) => MEDIA_TYPES[type]).filter((type) => type !== painted.media_type);
  const offered = [painted.media_type, ...others];
  const chosen = chooseMediaType(accept, offered);
  const format = PICTURE_TYPES.find((type) => MEDIA_TYPES[type] === chosen);
  if (format) return format;
  throw ProblemError.forField(
    "not_acceptable",
    "accept",
    `one of ${offered.join(", ")}`,
    String(accept).slice(0, 80),
  );
}

function resultOf(record: JobRecord): StoredPicture {
  if (record.status === "succeeded" && record.result) return record.result;
  if (record.status === "succeeded") throw expired(record);
  if (isFinal(record.status)) {
    const why = record.error ? ` (${record.error.code}: ${record.error.message})` : "";
    throw new ProblemError("no_result", `Expected a succeeded job, received a ${record.status} one${why}`);
  }
  const wait = retryAfter(record, null) ?? 1;
  const detail = `Expected a succeeded job, received a ${record.status} one`;
  throw new ProblemError("result_not_ready", detail, { retryAfter: wait });
}

function expired(record: JobRecord): ProblemError {
  return new ProblemError(
    "result_expired",
    `${PROBLEMS.result_expired.title}: the pictures of job ${record.id}`,
  );
}
