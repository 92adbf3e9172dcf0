import type { Redis } from "ioredis";
import type { RedisKeys } from "../redis/keys.ts";
import type { Change, Creation } from "./records/record-scripts.ts";
import type { JobLimits } from "./records/record-store.ts";

/** As many jobs are queued as are allowed. */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  constructor(limit: number) {
    super(`${limit} jobs are queued already, which is the limit`);
  }
}

/** An owner has as many queued jobs, or as many jobs in all, as is allowed. */
export class QuotaExceededError extends Error {
  override name = "QuotaExceededError";
  constructor(limit: number, kind: "queued" | "stored") {
    super(`This owner already has ${limit} ${kind} jobs, which is the limit`);
  }
}

/** A picture of the job has been deleted before the job was created. */
export class PictureMissingError extends Error {
  override name = "PictureMissingError";
  constructor() {
    super("A picture of the job is not stored any more");
  }
}

/** Throws if there is no room for so many jobs, so that a submission can be rejected before its body is read. It reserves nothing. */
export async function checkLimits(
  redis: Redis,
  keys: RedisKeys,
  limits: JobLimits,
  owner: string,
  jobs: number,
): Promise<void> {
  const [queued, ownerQueued, ownerJobs] = await Promise.all([
    redis.zcard(keys.status("queued")),
    redis.zcard(keys.owner(owner, "queued")),
    redis.zcard(keys.owner(owner, "all")),
  ]);
  if (queued + jobs > limits.queued) throwIfRejected("queue_full", limits);
  if (ownerQueued + jobs > limits.ownerQueued) throwIfRejected("owner_queue_full", limits);
  if (ownerJobs + jobs > limits.ownerJobs) throwIfRejected("owner_full", limits);
}

/** Throws if a job was not created, or not queued again, because of a limit or a missing picture. */
export function throwIfRejected(creation: Creation | Change, limits: JobLimits): void {
  if (creation === "queue_full") throw new QueueFullError(limits.queued);
  if (creation === "owner_queue_full") throw new QuotaExceededError(limits.ownerQueued, "queued");
  if (creation === "owner_full") throw new QuotaExceededError(limits.ownerJobs, "stored");
  if (creation === "picture_missing") throw new PictureMissingError();
}
