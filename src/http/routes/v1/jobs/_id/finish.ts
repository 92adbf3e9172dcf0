import { jobIdParams, jobViewSchema } from "../../../../../contract/job.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { NotFinishableError, NothingPaintedError } from "../../../../../jobs/finish-job.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { updateJob } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { jobPath, jobView } from "../../../../views/job-view.ts";

/** POST /v1/jobs/{id}/finish. */
const finish: ApiPlugin = async (app, { queue }) => {
  app.post(
    "/finish",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "finishJob",
        summary: "Ends a running job with what it has painted",
        description:
          "After its current step the job succeeds, with `finished_early`: its result has the job's own size, also if a coarser " +
          "scale was enlarged for it. A queued job that was interrupted is finished from its checkpoint. Repeated requests " +
          "change nothing.",
        tags: ["jobs"],
        params: jobIdParams,
        response: {
          202: jsonResponse("The job ends after its current step. Poll `Location`.", jobViewSchema),
          ...problemResponses("job_not_found", "nothing_painted", "not_finishable", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const record = await updateJob(queue, request, (id) => queue.finish(id).catch(toProblem));
      reply.code(202).header("location", jobPath(record.id));
      return jobView(record, await queue.getPosition(record));
    },
  );
};

export default finish;

function toProblem(error: unknown): never {
  if (error instanceof NothingPaintedError) {
    const detail = "Expected a job with at least one whole step, received one without";
    throw new ProblemError("nothing_painted", detail, { retryAfter: 1 });
  }
  if (error instanceof NotFinishableError) {
    const detail = `Expected a running job, or a queued one with a checkpoint, received a ${error.status} one`;
    throw new ProblemError("not_finishable", detail);
  }
  throw error;
}
