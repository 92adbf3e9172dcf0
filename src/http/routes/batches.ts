import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { batchFormSchema, batchJsonSchema, batchViewSchema } from "../../contract/batch.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { Batch } from "../../jobs/batch-store.ts";
import { jobFolder } from "../../jobs/records/job-record.ts";
import { deleteFolder } from "../../storage/delete-folder.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { zip } from "../files/zip.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { takeForms } from "../plugins/forms.ts";
import { askedBy } from "../submission/asked-by.ts";
import { idempotencyHeader, once } from "../submission/idempotency.ts";
import { readBody } from "../submission/read-body.ts";
import { Spool } from "../submission/spool.ts";
import { submitBatch } from "../submission/submit-batch.ts";
import { type BatchJob, batchPath, batchView } from "../views/batch-view.ts";
import { SUBMIT_PROBLEMS } from "./submit.ts";

const params = z.object({ id: z.string().describe("The batch's id.") });
const UUID = z.uuid();
type BatchRequest = FastifyRequest<{ Params: { id: string } }>;

/** Several jobs as one: every content in every style. */
export async function batchRoutes(app: App, dependencies: Dependencies): Promise<void> {
  const { config, queue, store, idempotency, batches } = dependencies;
  await takeForms(app, config);

  /** Throws a `ProblemError` where there is none, or where it is another owner's. */
  const findBatch = async ({ params: { id }, caller }: BatchRequest): Promise<Batch> => {
    const batch = UUID.safeParse(id).success ? await batches.find(id) : null;
    if (batch?.owner === caller.owner) return batch;
    const received = JSON.stringify(id.slice(0, 64));
    throw new ProblemError("batch_not_found", `Expected the id of a batch, received ${received}`);
  };
  const jobsOf = async (batch: Batch): Promise<BatchJob[]> => {
    const looked = batch.jobs.map(async ({ id, ...pair }) => ({ ...pair, ...(await queue.getSnapshot(id)) }));
    return (await Promise.all(looked)).flatMap(({ record, position = null, ...pair }) =>
      record === undefined ? [] : [{ ...pair, record, position }],
    );
  };
  const view = async (batch: Batch) => batchView(batch, await jobsOf(batch));

  app.post(
    "/v1/batches",
    {
      onRequest: app.admission.upload,
      config: {
        scope: "submit",
        makesJob: true,
        bodies: { "multipart/form-data": batchFormSchema, "application/json": batchJsonSchema },
      },
      schema: {
        operationId: "submitBatch",
        summary: "Submits several contents and styles: each content is painted in each style",
        tags: ["batches"],
        headers: z.object(idempotencyHeader),
        response: {
          202: batchViewSchema.describe("All of its jobs are accepted."),
          ...problemResponses(...SUBMIT_PROBLEMS, "too_many_jobs"),
        },
      },
    },
    async (request, reply) => {
      const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
      try {
        const most = config.limits.batchJobs;
        const { load, fingerprint } = await readBody(request, spool, config, {
          contents: most,
          styles: most,
        });
        const submit = async (id: string) =>
          await submitBatch(dependencies, spool, await load(), id, askedBy(request));
        const { answer, replayed } = await once(idempotency, request, fingerprint, submit);
        if (replayed) reply.header("idempotency-replayed", "true");
        reply.code(202).header("location", batchPath(answer.id));
        return await view(answer);
      } finally {
        await spool.close();
      }
    },
  );

  app.get(
    "/v1/batches/:id",
    {
      config: { scope: "read" },
      schema: {
        operationId: "getBatch",
        summary: "Tells how the jobs of a batch are doing",
        tags: ["batches"],
        params,
        response: { 200: batchViewSchema, ...problemResponses("batch_not_found", "unavailable") },
      },
    },
    async (request) => await view(await findBatch(request)),
  );

  app.post(
    "/v1/batches/:id/cancel",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "cancelBatch",
        summary: "Stops all jobs of a batch that are queued or running",
        tags: ["batches"],
        params,
        response: { 200: batchViewSchema, ...problemResponses("batch_not_found", "unavailable") },
      },
    },
    async (request) => {
      const batch = await findBatch(request);
      await Promise.all(batch.jobs.map(({ id }) => queue.cancel(id)));
      return await view(batch);
    },
  );

  app.delete(
    "/v1/batches/:id",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "deleteBatch",
        summary: "Forgets a batch, its jobs and their pictures",
        tags: ["batches"],
        params,
        response: {
          204: z.undefined().describe("The batch is forgotten."),
          ...problemResponses("batch_not_found", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const batch = await findBatch(request);
      for (const { id } of batch.jobs) {
        if (await queue.delete(id)) await deleteFolder(store, jobFolder(id));
      }
      await batches.delete(batch.id);
      return reply.code(204).send();
    },
  );

  app.get(
    "/v1/batches/:id/result",
    {
      exposeHeadRoute: false,
      config: { scope: "read" },
      schema: {
        operationId: "getBatchResult",
        summary: "Gives the painted pictures of a batch that is finished, as one zip",
        tags: ["batches"],
        params,
        response: {
          200: { description: "The pictures.", content: { "application/zip": { schema: binarySchema } } },
          ...problemResponses("batch_not_found", "result_not_ready", "no_result", "unavailable"),
        },
      },
    },
    async (request, reply) => {
      const batch = await findBatch(request);
      const jobs = await jobsOf(batch);
      const { status, counts } = batchView(batch, jobs);
      if (status !== "finished") {
        const left = counts.queued + counts.running;
        throw new ProblemError(
          "result_not_ready",
          `Expected a finished batch, received one with ${left} jobs to do`,
          {
            retryAfter: 10,
          },
        );
      }
      const files = jobs.flatMap(({ content, style, record: { result } }) =>
        result === null
          ? []
          : [
              {
                name: `content-${content}_style-${style}.${extensionOf(result.media_type)}`,
                open: async () => (await store.get(result.key)).stream,
              },
            ],
      );
      if (files.length === 0) {
        throw new ProblemError(
          "no_result",
          "Expected a batch with pictures, received one of which none is there",
        );
      }
      reply.headers({
        "content-type": "application/zip",
        "content-disposition": `attachment; filename="batch-${batch.id}.zip"`,
        "cache-control": "private, no-store",
      });
      return reply.send(zip(files));
    },
  );
}

function extensionOf(mediaType: string): string {
  const [, name = ""] = mediaType.split("/");
  return name === "jpeg" ? "jpg" : name;
}
