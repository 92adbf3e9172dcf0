import { z } from "zod";
import { ProblemError } from "../../contract/problems.ts";
import {
  detectPictureType,
  endingOf,
  MEDIA_TYPES,
  PICTURE_TYPES,
  SIGNATURE_BYTES,
} from "../../pictures/picture-type.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { strongTag } from "../files/conditional.ts";
import { sendFile } from "../files/send-file.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { findJob } from "./find-job.ts";

const problems = problemResponses("job_not_found", "no_such_style", "result_expired", "unavailable");
const picture = {
  200: {
    description: "The picture's file as it was sent.",
    content: Object.fromEntries(
      PICTURE_TYPES.map((type) => [MEDIA_TYPES[type], { schema: binarySchema }] as const),
    ),
  },
  304: z.undefined().describe("The client has the picture already."),
  ...problems,
};

/** The pictures that a job was made from: to compare with, and to paint again with other options. */
export function inputRoutes(app: App, { queue, store }: Dependencies): void {
  const fileOf = async (key: string, name: string) => {
    const type = await typeOf(key);
    return {
      key,
      mediaType: type ? MEDIA_TYPES[type] : "application/octet-stream",
      etag: strongTag(key),
      fileName: type ? `${name}.${endingOf(type)}` : name,
      cacheControl: "private, max-age=3600",
    };
  };
  const typeOf = async (key: string) => {
    const info = await store.stat(key);
    if (!info || info.size === 0) return null;
    const { stream } = await store.get(key, { start: 0, end: Math.min(SIGNATURE_BYTES, info.size) - 1 });
    const head: Buffer[] = [];
    for await (const chunk of stream) head.push(chunk as Buffer);
    return detectPictureType(Buffer.concat(head));
  };

  app.get(
    "/v1/jobs/:id/content",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getContent",
        summary: "Gives the content picture that the job was made from",
        tags: ["jobs"],
        params: z.object({ id: z.string() }),
        response: picture,
      },
    },
    async (request, reply) => {
      const record = await findJob(queue, request);
      return await sendFile(request, reply, store, await fileOf(record.content, "content"));
    },
  );

  app.get(
    "/v1/jobs/:id/styles/:index",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getStyle",
        summary: "Gives one of the style pictures that the job was made from",
        tags: ["jobs"],
        params: z.object({ id: z.string(), index: z.coerce.number().int().min(0).max(15) }),
        response: picture,
      },
    },
    async (request, reply) => {
      const { index } = request.params;
      const record = await findJob(queue, request);
      const key = record.styles[index];
      if (key === undefined) {
        throw ProblemError.forField(
          "no_such_style",
          "index",
          `0 to ${record.styles.length - 1}`,
          String(index),
        );
      }
      return await sendFile(request, reply, store, await fileOf(key, `style-${index}`));
    },
  );
}
