import { z } from "zod";
import type { BatchView } from "./batch.ts";
import { jobExamples, jobOf, requestOptionsExample } from "./examples.ts";
import { type JobList, jobStatusSchema } from "./job.ts";
import type { LossEntry } from "./losses.ts";
import { optionsSchema, optionsUpdateSchema } from "./options.ts";
import { DEFAULT_PRESET, PRESETS } from "./presets.ts";

/** Requests and responses with several items, for the OpenAPI document; a test validates each against its schema. */

const BATCH = "0199f3a2-6c1e-7d40-9b52-000000000000";
const IDS = ["0199f3a2-6c1e-7d40-9b52-000000000001", "0199f3a2-6c1e-7d40-9b52-000000000002"];

/** POST /v1/batches as application/json: one content in two styles. */
export const batchJsonExample = {
  content: { url: "https://example.com/pictures/harbour.jpg" },
  style: [
    { url: "https://example.com/pictures/starry-night.jpg" },
    { url: "https://example.com/pictures/great-wave.jpg" },
  ],
  options: requestOptionsExample,
  metadata: jobExamples.queued.metadata,
};

/** POST /v1/batches as a form. */
export const batchFormExample = {
  ...batchJsonExample,
  content: ["(the bytes of harbour.jpg)"],
  style: ["(the bytes of starry-night.jpg)", "(the bytes of great-wave.jpg)"],
};

type Status = keyof typeof jobExamples;

/** A batch of one content and two styles, whose jobs have these statuses. */
function batchOf(states: Status[], status: BatchView["status"]): BatchView {
  const jobs = states.map((state, style) => {
    const job = { ...jobOf(jobExamples[state], IDS[style] ?? ""), batch: BATCH };
    return { content: 0, style, job };
  });
  const count = (one: string) => states.filter((state) => state === one).length;
  const shares = jobs.map(({ job }) => (job.finished_at ? 1 : (job.progress?.fraction ?? 0)));
  const self = `/v1/batches/${BATCH}`;
  return {
    ...{ id: BATCH, status },
    counts: Object.fromEntries(
      jobStatusSchema.options.map((one) => [one, count(one)]),
    ) as BatchView["counts"],
    fraction: shares.reduce((sum, share) => sum + share, 0) / jobs.length,
    ...{ metadata: jobExamples.queued.metadata, created_at: jobExamples.queued.created_at },
    jobs,
    links: {
      self,
      ...(status !== "finished" && { cancel: `${self}/cancel` }),
      ...(count("succeeded") > 0 && status === "finished" && { result: `${self}/result` }),
    },
  };
}

export const batchExamples = {
  queued: batchOf(["queued", "queued"], "queued"),
  running: batchOf(["succeeded", "running"], "running"),
  finished: batchOf(["succeeded", "failed"], "finished"),
  canceled: batchOf(["succeeded", "canceled"], "finished"),
};

/** A page of two jobs, with further pages. */
export const jobListExample: JobList = {
  jobs: [jobOf(jobExamples.queued, IDS[1] ?? ""), jobOf(jobExamples.succeeded, IDS[0] ?? "")],
  next_cursor: IDS[0] ?? null,
};

const LOSSES: LossEntry[] = [
  {
    ...{ step: 1, scale: 0, objective: 0, total: 6.3 },
    parts: { content: 1.4, neighbors: 0.52, gram: 4.38, range: 0 },
  },
  {
    ...{ step: 40, scale: 2, objective: 0, total: 3.03 },
    parts: { content: 1.12, neighbors: 0.31, gram: 1.59, range: 0.01 },
  },
  {
    ...{ step: 80, scale: 3, objective: 0, total: 4.83 },
    parts: { content: 0.94, details: 3.06, gram: 0.82, range: 0.01 },
  },
];

/** Three steps of a loss history. */
export const lossesExample = { losses: LOSSES };

const { steps, style_weight } = z.toJSONSchema(optionsSchema, { reused: "inline" }).properties ?? {};

/** The presets, and two of the options. */
export const presetsExample = {
  default: DEFAULT_PRESET,
  presets: PRESETS,
  options: { steps, style_weight },
  updatable_options: Object.keys(optionsUpdateSchema.shape),
};
