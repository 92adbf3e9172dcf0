import { z } from "zod";
import { jobViewSchema } from "../../contract/job.ts";
import { applySteering, steeringSchema } from "../../contract/options.ts";
import { ProblemError } from "../../contract/problems.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { refuseContradictions } from "../submission/choose-options.ts";
import { parseBody } from "../submission/parse-body.ts";
import { jobView } from "../views/job-view.ts";
import { changeJob, findJob } from "./find-job.ts";

/** PATCH /v1/jobs/{id}: other weights while it is painted. */
export function steeringRoutes(app: App, { queue }: Dependencies): void {
  app.patch(
    "/v1/jobs/:id",
    {
      config: { scope: "submit", bodies: { "application/json": steeringSchema } },
      schema: {
        operationId: "steerJob",
        summary: "Changes weights of a job that is queued or running, from its next step on",
        description:
          "What the optimiser has learnt is forgotten where the objective changes, and the losses are counted " +
          "anew (`objective` in the loss history). The change stays with the job, whatever becomes of its worker.",
        tags: ["jobs"],
        params: z.object({ id: z.string().describe("The job's id.") }),
        response: {
          200: jobViewSchema,
          ...problemResponses(
            "malformed_body",
            "invalid_options",
            "job_not_found",
            "not_steerable",
            "unavailable",
          ),
        },
      },
    },
    async (request) => {
      const before = await findJob(queue, request);
      const steering = parseBody(steeringSchema, request.body, "invalid_options");
      refuseContradictions(applySteering(before.options, steering), {
        styles: before.styles.length,
        hasInitPicture: before.init_picture !== null,
        limits: { size: before.options.size, steps: before.options.steps },
      });
      const record = await changeJob(queue, request, (id) => queue.steer(id, steering));
      if (isFinal(record.status)) {
        throw new ProblemError(
          "not_steerable",
          `Expected a queued or running job, received a ${record.status} one`,
        );
      }
      return jobView(record, await queue.getPosition(record));
    },
  );
}
