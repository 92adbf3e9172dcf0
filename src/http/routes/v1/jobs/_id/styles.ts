import { z } from "zod";
import { jobIdParams } from "../../../../../contract/job.ts";
import { ProblemError } from "../../../../../contract/problems.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { inputPicture, inputPictureResponses } from "../../../../files/input-picture.ts";
import { sendFile } from "../../../../files/send-file.ts";
import { getJob } from "../../../../get-job.ts";

/** GET /v1/jobs/{id}/styles/{index}. */
const styles: ApiPlugin = async (app, { queue, store }) => {
  app.get(
    "/styles/:index",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getStyle",
        summary: "Returns one of the job's style pictures",
        tags: ["jobs"],
        params: jobIdParams.extend({
          index: z.coerce.number().int().min(0).max(15).describe("The number of the style, starting with 0."),
        }),
        response: inputPictureResponses,
      },
    },
    async (request, reply) => {
      const { index } = request.params;
      const record = await getJob(queue, request);
      const key = record.styles[index];
      if (key === undefined) {
        const expected = `0 to ${record.styles.length - 1}`;
        throw ProblemError.forField("style_not_found", "index", expected, String(index));
      }
      return await sendFile(request, reply, store, await inputPicture(store, key, `style-${index}`));
    },
  );
};

export default styles;
