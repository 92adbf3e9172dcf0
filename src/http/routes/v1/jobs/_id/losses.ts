import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { type LossEntry, lossesSchema } from "../../../../../contract/losses.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { BlobNotFoundError, type BlobStore } from "../../../../../storage/blob-store.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { isNotModified, strongEtag } from "../../../../files/etag.ts";
import { negotiateMediaType } from "../../../../files/negotiate-media-type.ts";
import { getJob } from "../../../../get-job.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { lossPlot } from "../../../../views/loss-plot.ts";

const SVG = "image/svg+xml";

/** GET /v1/jobs/{id}/losses. */
const losses: ApiPlugin = async (app, { queue, store }) => {
  app.get(
    "/losses",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getLosses",
        summary: "Returns the loss history, as JSON or as a plot",
        tags: ["result"],
        params: jobIdParams,
        response: {
          200: {
            description: "The losses that are stored so far. A running job stores them regularly.",
            content: { "application/json": { schema: lossesSchema }, [SVG]: { schema: z.string() } },
          },
          304: z.undefined().describe("The client already has the latest losses."),
          ...problemResponses("job_not_found", "not_acceptable", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { accept, "if-none-match": ifNoneMatch } = request.headers;
      const type = negotiateMediaType(accept, ["application/json", SVG]);
      if (!type) {
        const expected = `application/json or ${SVG}`;
        throw ProblemError.forField("not_acceptable", "accept", expected, String(accept).slice(0, 80));
      }
      const record = await getJob(queue, request);
      const stored = record.losses ? await readIfExists(store, record.losses) : "";
      const etag = strongEtag(type + stored);
      reply.headers({ etag, vary: "accept", "cache-control": "private, no-cache", "content-type": type });
      if (isNotModified(ifNoneMatch, etag)) return reply.code(304).send();
      const entries = parseJsonLines(stored);
      if (type !== SVG) return reply.send({ losses: entries });
      reply.header("content-security-policy", "default-src 'none'; sandbox");
      return reply.serializer(String).send(lossPlot(entries));
    },
  );
};

export default losses;

async function readIfExists(store: BlobStore, key: string): Promise<string> {
  try {
    return Buffer.from(await store.read(key)).toString("utf8");
  } catch (error) {
    if (error instanceof BlobNotFoundError) return "";
    throw error;
  }
}

/** The worker writes one entry a line. */
function parseJsonLines(text: string): LossEntry[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as LossEntry);
}
