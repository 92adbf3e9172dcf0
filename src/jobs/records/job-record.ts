import { z } from "zod";
import { ownerSchema } from "../../contract/auth.ts";
import { engineSchema } from "../../contract/engine-description.ts";
import { jobStatusSchema, progressSchema } from "../../contract/job.ts";
import { optionsSchema } from "../../contract/options.ts";
import { jobErrorCodeSchema } from "../../contract/problems.ts";
import { deliverySchema, webhookSchema } from "../../contract/webhook.ts";

export const DEFAULT_PRIORITY = 50;

const blobKey = z.string().min(1);
const timestamp = z.iso.datetime();

const storedPictureSchema = z.object({
  key: blobKey,
  media_type: z.string(),
  bytes: z.int().min(0),
  width: z.int().min(1),
  height: z.int().min(1),
});
/** An encoded picture in the blob store. */
export type StoredPicture = z.infer<typeof storedPictureSchema>;

/** A job, as a Redis hash: each field is JSON text, and an absent field is null. */
const jobRecordSchema = z.object({
  /** A UUID v7, which sorts by time. */
  id: z.uuid(),
  owner: ownerSchema,
  status: jobStatusSchema,
  /** Counts the changes of this record. Views use it as their ETag, events as their id. */
  revision: z.int().min(1),
  /** Among its owner's jobs: 1 is first, 100 is last. Jobs of the same priority are served by arrival. */
  priority: z.int().min(1).max(100),
  options: optionsSchema,
  metadata: z.record(z.string(), z.unknown()),
  content: blobKey,
  styles: z.array(blobKey).min(1),
  /** Where each style applies: one mask for each style, or none. */
  style_masks: z.array(blobKey).nullable(),
  /** Which parts of the content stay unchanged. */
  keep_mask: blobKey.nullable(),
  /** The picture that the painting starts from. */
  init_picture: blobKey.nullable(),
  /** The job whose result is the `init_picture`. */
  continued_from: z.uuid().nullable(),
  batch: z.uuid().nullable(),
  /** Counts the changes of the options since the submission. */
  options_version: z.int().min(0),

  /** See `estimateCost`. */
  cost: z.int().min(1),
  webhook: webhookSchema.nullable(),
  /** The latest attempts to deliver to the webhook, oldest first. */
  deliveries: z.array(deliverySchema).nullable(),
  /** The submission's span (W3C Trace Context). */
  traceparent: z.string().nullable(),

  /** How often the job was started. An attempt that a stopping worker returned does not count. */
  attempts: z.int().min(0),
  /** The attempt that owns the running job. Writes of other attempts are rejected. */
  attempt_id: z.string().nullable(),
  worker: z.string().nullable(),
  engine: engineSchema.nullable(),
  progress: progressSchema.nullable(),
  /** Its owner wants the job to end with what it has. */
  finish_requested: z.boolean().nullable(),
  /** The result is what the job had when it was to finish: it has taken fewer steps than planned. */
  finished_early: z.boolean().nullable(),
  error: z.object({ code: jobErrorCodeSchema, message: z.string() }).nullable(),

  result: storedPictureSchema.nullable(),
  /** The painted pixels, if the result has them only recoloured, masked or with lossy compression. Other jobs continue from it. */
  raw_result: blobKey.nullable(),
  preview: storedPictureSchema.extend({ step: z.int().min(0) }).nullable(),
  /** How many pictures lie in `timelapse/`, and the steps between two of them. */
  timelapse: z.object({ frames: z.int().min(1), interval: z.int().min(1) }).nullable(),
  /** The engine's state, from which the next attempt resumes. */
  checkpoint: z.object({ key: blobKey, step: z.int().min(0) }).nullable(),
  /** The history of losses, as lines of JSON. */
  losses: blobKey.nullable(),

  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  expires_at: timestamp.nullable(),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

/** The fields that a change may write. The others are fixed, or written by the queue itself. */
export type JobFields = Partial<
  Pick<
    JobRecord,
    | "attempts"
    | "attempt_id"
    | "worker"
    | "engine"
    | "progress"
    | "error"
    | "finish_requested"
    | "finished_early"
    | "result"
    | "raw_result"
    | "preview"
    | "timelapse"
    | "checkpoint"
    | "losses"
    | "started_at"
    | "finished_at"
  > & {
    /** A job that is queued again does not expire until it has ended. */
    expires_at: null;
  }
>;

/** Whether a job has expired by `now` (ms). */
export function isDue({ expires_at }: JobRecord, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

/** Encodes fields for the scripts, as name and JSON text in turn. null becomes an empty text, which removes the field. */
export function encodeFields(fields: Partial<JobRecord>): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value === null ? "" : JSON.stringify(value)],
  );
}

/** The fields in Redis are not a record that this version can read. */
export class UnreadableRecordError extends Error {
  override readonly name = "UnreadableRecordError";
  constructor(
    readonly id: string,
    cause: unknown,
  ) {
    super(`The record of job ${id} cannot be read`, { cause });
  }
}

/** Parses a record from its Redis hash; null if the hash is empty. */
export function decodeRecord(hash: Record<string, string>): JobRecord | null {
  const entries = Object.entries(hash);
  if (entries.length === 0) return null;
  const empty = Object.fromEntries(Object.keys(jobRecordSchema.shape).map((name) => [name, null]));
  const found = Object.fromEntries(entries.map(([name, text]) => [name, JSON.parse(text) as unknown]));
  return jobRecordSchema.parse({ ...empty, ...found });
}
