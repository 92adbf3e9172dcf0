import { jobIdParams } from "../../../../../contract/job.ts";
import { LINKABLE, linkRequestSchema, linksSchema } from "../../../../../contract/links.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { getJob } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { jobPath } from "../../../../views/job-view.ts";

/** POST /v1/jobs/{id}/links. */
const links: ApiPlugin = async (app, { queue, signedLinks }) => {
  app.post(
    "/links",
    {
      config: { scope: "read" },
      schema: {
        operationId: "signLinks",
        summary: "Creates links to a job's pictures that need no key and expire",
        description:
          "A link gives access to one path of one job, for pages and people without a key. " +
          "It can be created before the picture exists. `format` and `quality` are those of the result.",
        tags: ["result"],
        params: jobIdParams,
        body: linkRequestSchema.nullish(),
        response: {
          200: jsonResponse("The links.", linksSchema),
          ...problemResponses("invalid_request", "job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { id } = await getJob(queue, request);
      const { expires_in, ...wanted } = request.body ?? linkRequestSchema.parse({});
      const query = Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name, String(value)]));
      const expires = Math.floor(Date.now() / 1000) + expires_in;
      const signed = await Promise.all(
        LINKABLE.map(
          async (name) =>
            [
              name,
              await signedLinks.sign(`${jobPath(id)}/${name}`, expires, name === "result" ? query : {}),
            ] as const,
        ),
      );
      reply.header("cache-control", "no-store");
      return {
        expires_at: new Date(expires * 1000).toISOString(),
        links: Object.fromEntries(signed) as Record<(typeof LINKABLE)[number], string>,
      };
    },
  );
};

export default links;
