import { z } from "zod";
import { jobIdParams, jobViewSchema } from "../../../../../contract/job.ts";
import { applyOptionsUpdate, optionsUpdateSchema } from "../../../../../contract/options.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { deleteJobBlobs } from "../../../../../jobs/pictures/delete-blobs.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { isNotModified } from "../../../../files/etag.ts";
import { getJob, getJobWithPosition, updateJob } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { checkOptions } from "../../../../submission/job-options.ts";
import { validatorCompiler } from "../../../../validation.ts";
import { jobView, retryAfter } from "../../../../views/job-view.ts";

/** GET, PATCH and DELETE /v1/jobs/{id}. */
const job: ApiPlugin = async (app, { queue, store }) => {
  app.get(
    "/",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getJob",
        summary: "Returns a job's status, progress and links",
        tags: ["jobs"],
        params: jobIdParams,
        response: {
          200: jsonResponse("The job.", jobViewSchema),
          304: z.undefined().describe("The job has not changed since the response with this ETag."),
          ...problemResponses("job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const { record, position } = await getJobWithPosition(queue, request);
      const seconds = retryAfter(record, position);
      if (seconds !== null) reply.header("retry-after", seconds);
      const { position: number = "", eta_seconds = "", waiting_for = "" } = position ?? {};
      const etag = `W/"${[record.revision, number, eta_seconds, waiting_for].join(".")}"`;
      reply.header("etag", etag).header("cache-control", "private, no-cache");
      if (isNotModified(request.headers["if-none-match"], etag)) return reply.code(304).send();
      return jobView(record, position);
    },
  );

  app.patch(
    "/",
    {
      config: { scope: "submit" },
      validatorCompiler: validatorCompiler("invalid_options"),
      schema: {
        operationId: "updateJobOptions",
        summary: "Changes the options of a queued or running job",
        description:
          "Takes effect at the next step. A changed objective resets the optimiser's state, and is counted in `objective` " +
          "of the loss history. The change survives a restart of the worker.",
        tags: ["jobs"],
        params: jobIdParams,
        body: optionsUpdateSchema,
        response: {
          200: jsonResponse("The job with its new options.", jobViewSchema),
          ...problemResponses(
            "malformed_body",
            "job_not_found",
            "not_updatable",
            "invalid_options",
            "unavailable",
          ),
        },
      },
    },
    async (request) => {
      const current = await getJob(queue, request);
      checkOptions(applyOptionsUpdate(current.options, request.body), {
        styles: current.styles.length,
        hasInitPicture: current.init_picture !== null,
        limits: { size: current.options.size, steps: current.options.steps },
      });
      const record = await updateJob(queue, request, (id) => queue.updateOptions(id, request.body));
      if (isFinal(record.status)) {
        const detail = `Expected a queued or running job, received a ${record.status} one`;
        throw new ProblemError("not_updatable", detail);
      }
      return jobView(record, await queue.getPosition(record));
    },
  );

  app.delete(
    "/",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "deleteJob",
        summary: "Deletes a job and its pictures; cancels it first if it has not ended",
        tags: ["jobs"],
        params: jobIdParams,
        response: {
          204: z.undefined().describe("The job is deleted."),
          ...problemResponses("job_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const record = await updateJob(queue, request, (id) => queue.delete(id));
      await deleteJobBlobs(queue.pictures, store, record.id);
      return reply.code(204).send();
    },
  );
};

export default job;
