import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  const form = new FormData();
  form.append("content", await openAsBlob(content), basename(content));
  form.append("style", await openAsBlob(style), basename(style));
  form.append("options", JSON.stringify(options));
  const submitted = await answer(await fetch(`${service}/v1/jobs`, { method: "POST", body: form }));
  let job = await submitted.json();
  while (job.status === "queued" || job.status === "running") {
    onJob(job);
    await sleep(POLL_MS);
    job = await (await answer(await fetch(`${service}/v1/jobs/${job.id}`))).json();
  }
  onJob(job);
  if (job.status !== "succeeded") {
    throw new SetupFailure(
      `The job ${job.status}: ${job.error?.message ?? "no reason given"}`,
      "See the service's log.",
    );
  }
  const result = await answer(await fetch(`${service}/v1/jobs/${job.id}/result`));
  return { job, picture: Buffer.from(await result.arrayBuffer()) };
}

/** @param {Response} response */
async function answer(response) {
  if (response.ok) return response;
  const { title, detail } = await response.json().catch(() => ({}));
  throw new SetupFailure(
    `The service answered ${response.status}: ${title ?? ""} ${detail ?? ""}`,
    "See the service's log.",
  );
}
