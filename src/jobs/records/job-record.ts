import { z } from "zod";
import { ownerSchema } from "../../contract/auth.ts";
import { engineSchema } from "../../contract/engine.ts";
import { jobStatusSchema, progressSchema } from "../../contract/job.ts";
import { optionsSchema } from "../../contract/options.ts";
import { jobErrorCodeSchema } from "../../contract/problems.ts";
import { deliverySchema, webhookSchema } from "../../contract/webhook.ts";

export const DEFAULT_PRIORITY = 50;

/** Where bytes lie in the blob store. */
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

/** The truth about a job: one Redis hash, each field JSON text; a field that is absent is null. */
const jobRecordSchema = z.object({
  /** UUID v7: sorts by time. */
  id: z.uuid(),
  owner: ownerSchema,
  status: jobStatusSchema,
  /** Counts the changes of this record: the ETag of a view, the order of events. */
  revision: z.int().min(1),
  /** Among its owner's jobs: 1 is taken first, 100 last; jobs of one priority in their order of arrival. */
  priority: z.int().min(1).max(100),
  options: optionsSchema,
  metadata: z.record(z.string(), z.unknown()),
  content: blobKey,
  styles: z.array(blobKey).min(1),
  /** Where each style goes: one for each, or none at all. */
  style_masks: z.array(blobKey).nullable(),
  /** What of the content stays as it is. */
  keep_mask: blobKey.nullable(),
  /** What the picture starts as. */
  init_picture: blobKey.nullable(),
  /** The job whose last state `init_picture` is. */
  continued_from: z.uuid().nullable(),
  batch: z.uuid().nullable(),
  /** How often the options were changed since the job was submitted. */
  steered: z.int().min(0),

  /** What painting it costs, in thousands of pixels times steps: see `estimateCost`. */
  work: z.int().min(1),
  webhook: webhookSchema.nullable(),
  /** The latest attempts to tell the webhook, oldest first. */
  deliveries: z.array(deliverySchema).nullable(),
  /** The span of the submission (W3C Trace Context). */
  traceparent: z.string().nullable(),

  /** Starts so far; one that was handed back on purpose does not count. */
  attempts: z.int().min(0),
  /** Names the attempt that owns a running job: whatever an earlier attempt still writes is refused. */
  attempt_id: z.string().nullable(),
  worker: z.string().nullable(),
  engine: engineSchema.nullable(),
  progress: progressSchema.nullable(),
  error: z.object({ code: jobErrorCodeSchema, message: z.string() }).nullable(),

  result: storedPictureSchema.nullable(),
  /** What was painted, to go on from, where the result shows it in other colours, in part or with losses. */
  state: blobKey.nullable(),
  preview: storedPictureSchema.extend({ step: z.int().min(0) }).nullable(),
  /** What is kept of the run, under `timelapse/`: how many pictures, and the steps between two. */
  timelapse: z.object({ frames: z.int().min(1), interval: z.int().min(1) }).nullable(),
  /** The engine's state to go on from. */
  checkpoint: z.object({ key: blobKey, step: z.int().min(0) }).nullable(),
  /** The loss history: lines of JSON. */
  losses: blobKey.nullable(),

  created_at: timestamp,
  started_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  expires_at: timestamp.nullable(),
});
export type JobRecord = z.infer<typeof jobRecordSchema>;

/** What a change may write; the rest of a record is fixed at its birth or kept by the queue itself. */
export type JobFields = Partial<
  Pick<
    JobRecord,
    | "attempts"
    | "attempt_id"
    | "worker"
    | "engine"
    | "progress"
    | "error"
    | "result"
    | "state"
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

/** Whether a job's time is over, at a time in ms: its pictures go, and later itself. */
export function isDue({ expires_at }: JobRecord, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

/** The blobs without which a job cannot be painted: what its owner sent. */
export function givenBlobKeys(record: JobRecord): string[] {
  const { content, styles, style_masks, keep_mask, init_picture } = record;
  return [content, ...styles, ...(style_masks ?? []), keep_mask, init_picture].filter((key) => key !== null);
}

/** Every blob that a record names. */
export function blobKeys(record: JobRecord): string[] {
  const { result, state, preview, checkpoint, losses } = record;
  const keys = [...givenBlobKeys(record), result?.key, state, preview?.key, checkpoint?.key, losses];
  return keys.filter((key) => typeof key === "string");
}

/** Where all blobs of a job lie. */
export const jobFolder = (id: string) => `jobs/${id}/`;

/** Where the pictures of a job's timelapse lie, named by their step so that they sort. */
export const timelapseFolder = (id: string) => `${jobFolder(id)}timelapse/`;

/** Where pictures lie that the API creates from a job's pictures on request. */
export const derivedFolder = (id: string) => `${jobFolder(id)}derived/`;

/** Whether a job needs a blob: its record names it, it is of its timelapse, or made from one of these. */
export function needsBlob(record: JobRecord, key: string): boolean {
  const { result, timelapse } = record;
  if ((result || timelapse) && key.startsWith(derivedFolder(record.id))) return true;
  if (timelapse && key.startsWith(timelapseFolder(record.id))) return true;
  return blobKeys(record).includes(key);
}

/** Fields as pairs for Redis; null is the empty text, which the script takes as "remove". */
export function encodeFields(fields: Partial<JobRecord>): string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value === null ? "" : JSON.stringify(value)],
  );
}

/** Parses a record from its Redis hash; null if the hash is empty. */
export function decodeRecord(hash: Record<string, string>): JobRecord | null {
  const entries = Object.entries(hash);
  if (entries.length === 0) return null;
  const empty = Object.fromEntries(Object.keys(jobRecordSchema.shape).map((name) => [name, null]));
  const found = Object.fromEntries(entries.map(([name, text]) => [name, JSON.parse(text) as unknown]));
  return jobRecordSchema.parse({ ...empty, ...found });
}
