import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createApiClient, ProblemError, unwrap } from "../../dist/client/index.js";
import { SetupFailure } from "../setup/failure.mjs";

const POLL_MS = 500;

/**
 * Has a picture painted, as any client would: submit, poll, fetch.
 * @param {string} service its URL
 * @param {{ content: string, style: string, options: object }} request paths of the pictures, and the job's options
 * @param {(job: any) => void} onJob sees every state of the job
 * @returns {Promise<{ job: any, picture: Buffer }>}
 */
export async function paint(service, { content, style, options }, onJob) {
  const client = createApiClient(service);
  const body = { content: await openAsBlob(content), style: [await openAsBlob(style)], options };
  let job = await answer(client.POST("/v1/jobs", { body }));
  const params = { path: { id: job.id } };
  while (job.status === "queued" || job.status === "running") {
    onJob(job);
    await sleep(POLL_MS);
    job = await answer(client.GET("/v1/jobs/{id}", { params }));
  }
  onJob(job);
  if (job.status !== "succeeded") {
    throw new SetupFailure(
      `The job ${job.status}: ${job.error?.message ?? "no reason given"}`,
      "See the service's log.",
    );
  }
  const picture = await answer(client.GET("/v1/jobs/{id}/result", { params, parseAs: "arrayBuffer" }));
  return { job, picture: Buffer.from(picture) };
}

/**
 * @template T
 * @param {Promise<T>} call
 */
async function answer(call) {
  return await unwrap(call).catch((error) => {
    throw error instanceof ProblemError ? new SetupFailure(error.message, "See the service's log.") : error;
  });
}
