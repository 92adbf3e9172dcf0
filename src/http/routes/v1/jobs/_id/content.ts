import { jobIdParams } from "../../../../../contract/job.ts";
import type { ApiPlugin } from "../../../../dependencies.ts";
import { inputPicture, inputPictureResponses } from "../../../../files/input-picture.ts";
import { sendFile } from "../../../../files/send-file.ts";
import { getJob } from "../../../../get-job.ts";

/** GET /v1/jobs/{id}/content. */
const content: ApiPlugin = async (app, { queue, store }) => {
  app.get(
    "/content",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getContent",
        summary: "Returns the job's content picture",
        tags: ["jobs"],
        params: jobIdParams,
        response: inputPictureResponses,
      },
    },
    async (request, reply) => {
      const record = await getJob(queue, request);
      return await sendFile(request, reply, store, await inputPicture(store, record.content, "content"));
    },
  );
};

export default content;
