import { z } from "zod";
import { Refusal } from "../../contract/problems.ts";
import type { JobRecord } from "../../queue/job-record.ts";
import { isFinal } from "../../queue/job-states.ts";
import { BlobNotFoundError } from "../../storage/blob-store.ts";
import { binarySchema } from "../binary.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { problemResponses } from "../problem-responses.ts";
import { retryAfter } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

/** GET /v1/jobs/{id}/result: the painted picture. */
export function resultRoutes(app: App, { queue, store }: Dependencies): void {
  app.get(
    "/v1/jobs/:id/result",
    {
      schema: {
        operationId: "getResult",
        summary: "Gives the painted picture",
        tags: ["result"],
        params: z.object({ id: z.string() }),
        response: {
          200: {
            description: "The picture.",
            content: { "image/*": { schema: binarySchema } },
          },
          ...problemResponses(
            "job_not_found",
            "result_not_ready",
            "no_result",
            "result_expired",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await findJob(queue, request.params.id);
      const result = resultOf(record);
      const { info, stream } = await store.get(result.key).catch((error) => {
        throw error instanceof BlobNotFoundError ? expired(record) : error;
      });
      reply
        .header("content-type", result.media_type)
        .header("content-length", info.size)
        .header("content-disposition", `inline; filename="${fileName(record, result.media_type)}"`)
        .header("x-content-type-options", "nosniff");
      return reply.send(stream);
    },
  );
}

function resultOf(record: JobRecord) {
  if (record.status === "succeeded" && record.result) return record.result;
  if (record.status === "succeeded") throw expired(record);
  if (isFinal(record.status)) {
    const why = record.error ? ` (${record.error.code}: ${record.error.message})` : "";
    throw new Refusal("no_result", `Expected a succeeded job, received a ${record.status} one${why}`);
  }
  const wait = retryAfter(record, null) ?? 1;
  const detail = `Expected a succeeded job, received a ${record.status} one`;
  throw new Refusal("result_not_ready", detail, { retryAfter: wait });
}

function expired(record: JobRecord): Refusal {
  return new Refusal("result_expired", `The pictures of job ${record.id} are no longer kept`);
}

function fileName(record: JobRecord, mediaType: string): string {
  return `painting-${record.id}.${mediaType.split("/")[1] ?? "png"}`;
}
