import { z } from "zod";
import { signedQuery } from "../../contract/links.ts";
import { type LossEntry, lossesSchema } from "../../contract/losses.ts";
import { ProblemError } from "../../contract/problems.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import { MEDIA_TYPES } from "../../pictures/picture-type.ts";
import { BlobNotFoundError } from "../../storage/blob-store.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { chooseMediaType } from "../files/accept.ts";
import { isUnchanged, strongTag } from "../files/conditional.ts";
import { sendFile } from "../files/send-file.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { retryAfter } from "../views/job-view.ts";
import { lossPlot } from "../views/loss-plot.ts";
import { findJob } from "./find-job.ts";

const idParams = z.object({ id: z.string() });
const SVG = "image/svg+xml";

/** What there is to see of a job while it runs: the latest picture, and how the losses fall. */
export function followingRoutes(app: App, { queue, store }: Dependencies): void {
  app.get(
    "/v1/jobs/:id/preview",
    {
      config: { scope: "read", linkable: true },
      schema: {
        operationId: "getPreview",
        summary: "Gives the latest intermediate picture",
        tags: ["result"],
        params: idParams,
        querystring: z.object(signedQuery),
        response: {
          200: {
            description: "The picture as it was at a step not long ago.",
            content: Object.fromEntries(
              [MEDIA_TYPES.jpeg, MEDIA_TYPES.webp].map((type) => [type, { schema: binarySchema }] as const),
            ),
          },
          304: z.undefined().describe("The client has the latest picture."),
          ...problemResponses(
            "job_not_found",
            "preview_not_ready",
            "no_preview",
            "result_expired",
            "unavailable",
          ),
        },
      },
    },
    async (request, reply) => {
      const record = await findJob(queue, request);
      const { preview } = record;
      if (!preview) {
        const detail = `Expected a job with a preview, received a ${record.status} one without`;
        if (isFinal(record.status)) throw new ProblemError("no_preview", detail);
        throw new ProblemError("preview_not_ready", detail, { retryAfter: retryAfter(record, null) ?? 1 });
      }
      return await sendFile(request, reply, store, {
        key: preview.key,
        mediaType: preview.media_type,
        etag: strongTag(`${preview.key} ${preview.step}`),
        fileName: `preview-${record.id}-${preview.step}.${preview.media_type.split("/")[1]}`,
        cacheControl: "private, no-cache",
      });
    },
  );

  app.get(
    "/v1/jobs/:id/losses",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getLosses",
        summary: "Gives the loss of every step so far, as JSON or as a plot",
        tags: ["result"],
        params: idParams,
        response: {
          200: {
            description: "The losses, as far as they are stored; a running job stores them every so often.",
            content: { "application/json": { schema: lossesSchema }, [SVG]: { schema: z.string() } },
          },
          304: z.undefined().describe("The client has the latest losses."),
          ...problemResponses("job_not_found", "not_acceptable", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { accept, "if-none-match": ifNoneMatch } = request.headers;
      const type = chooseMediaType(accept, ["application/json", SVG]);
      if (!type) {
        const expected = `application/json or ${SVG}`;
        throw ProblemError.forField("not_acceptable", "accept", expected, String(accept).slice(0, 80));
      }
      const record = await findJob(queue, request);
      const stored = record.losses ? await readOrNothing(record.losses) : "";
      const etag = strongTag(type + stored);
      reply.headers({ etag, vary: "accept", "cache-control": "private, no-cache", "content-type": type });
      if (isUnchanged(ifNoneMatch, etag)) return reply.code(304).send();
      const losses = parseLosses(stored);
      if (type !== SVG) return reply.send({ losses });
      reply
        .header("content-security-policy", "default-src 'none'; sandbox")
        .header("x-content-type-options", "nosniff");
      return reply.serializer(String).send(lossPlot(losses));
    },
  );

  const readOrNothing = async (key: string): Promise<string> => {
    try {
      return Buffer.from(await store.read(key)).toString("utf8");
    } catch (error) {
      if (error instanceof BlobNotFoundError) return "";
      throw error;
    }
  };
}

/** The worker's own lines of JSON. */
function parseLosses(stored: string): LossEntry[] {
  const lines = stored.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as LossEntry);
}
