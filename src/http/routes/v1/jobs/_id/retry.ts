import { jobIdParams, jobViewSchema } from "../../../../../contract/job.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import { isFinal } from "../../../../../jobs/records/job-states.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { getJob, updateJob } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { jobPath, jobView } from "../../../../views/job-view.ts";

/** POST /v1/jobs/{id}/retry. */
const retry: ApiPlugin = async (app, { queue }) => {
  app.post(
    "/retry",
    {
      config: { scope: "submit", createsJob: true },
      schema: {
        operationId: "retryJob",
        summary: "Queues a failed or canceled job again",
        tags: ["jobs"],
        params: jobIdParams,
        response: {
          202: jsonResponse("The job is queued again. Poll `Location`.", jobViewSchema),
          ...problemResponses("job_not_found", "not_retryable", "result_expired", "quota_exceeded"),
          ...problemResponses("rate_limited", "queue_full", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const current = await getJob(queue, request);
      if (current.status === "succeeded") {
        throw new ProblemError(
          "not_retryable",
          "Expected a failed or canceled job, received a succeeded one",
        );
      }
      const record = await updateJob(queue, request, (id) => queue.retry(id));
      // By the queue's clock the job has expired, so the queue did not change it.
      if (isFinal(record.status) && record.revision === current.revision) {
        throw new ProblemError("result_expired", "The pictures of the job have been deleted");
      }
      reply.code(202).header("location", jobPath(record.id));
      return jobView(record, await queue.getPosition(record));
    },
  );
};

export default retry;
