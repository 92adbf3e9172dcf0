import { z } from "zod";
import { LINKABLE, linkRequestSchema, linksSchema } from "../../contract/links.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { jobPath } from "../views/job-view.ts";
import { findJob } from "./find-job.ts";

/** POST /v1/jobs/{id}/links: for pages and people that have no key. */
export function linkRoutes(app: App, { queue, signedLinks }: Dependencies): void {
  app.post(
    "/v1/jobs/:id/links",
    {
      config: { scope: "read" },
      schema: {
        operationId: "signLinks",
        summary: "Gives links to a job's pictures that need no key and expire",
        description:
          "A link leads to one path of one job and can do nothing else. It can be made before there is a picture.",
        tags: ["result"],
        params: z.object({ id: z.string() }),
        body: linkRequestSchema.nullish(),
        response: {
          200: linksSchema,
          ...problemResponses("invalid_request", "job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { id } = await findJob(queue, request);
      const expires = Math.floor(Date.now() / 1000) + (request.body?.expires_in ?? 3600);
      const paths = LINKABLE.map((name) => [name, `${jobPath(id)}/${name}`] as const);
      const signed = await Promise.all(
        paths.map(async ([name, path]) => [name, await signedLinks.sign(path, expires)] as const),
      );
      reply.header("cache-control", "no-store");
      const links = Object.fromEntries(signed) as Record<(typeof LINKABLE)[number], string>;
      return { expires_at: new Date(expires * 1000).toISOString(), links };
    },
  );
}
