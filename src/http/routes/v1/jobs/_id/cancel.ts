import { jobIdParams, jobViewSchema } from "../../../../../contract/job.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { updateJob } from "../../../../get-job.ts";
import { jsonResponse } from "../../../../openapi/json-response.ts";
import { problemResponses } from "../../../../openapi/problem-responses.ts";
import { jobView } from "../../../../views/job-view.ts";

/** POST /v1/jobs/{id}/cancel. */
const cancel: ApiPlugin = async (app, { queue }) => {
  app.post(
    "/cancel",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "cancelJob",
        summary: "Cancels a queued or running job; a job that has ended does not change",
        tags: ["jobs"],
        params: jobIdParams,
        response: {
          200: jsonResponse("The job, which has ended.", jobViewSchema),
          ...problemResponses("job_not_found", "unavailable"),
        },
      },
    },
    async (request) => {
      const record = await updateJob(queue, request, (id) => queue.cancel(id));
      return jobView(record, await queue.getPosition(record));
    },
  );
};

export default cancel;
