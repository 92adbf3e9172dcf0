import { join } from "node:path";
import type { JobStatus } from "../../contract/job.ts";
import { LuaScript } from "../../redis/lua-script.ts";
import type { PictureArguments } from "./picture-arguments.ts";

export type Creation =
  | "created"
  | "exists"
  | "queue_full"
  | "owner_queue_full"
  | "owner_full"
  | "picture_missing";
export type Change = "changed" | "rejected" | "missing" | "queue_full" | "owner_queue_full";

const LUA = join(import.meta.dirname, "lua");

export const createJob = new LuaScript<
  [
    ...[job: string, allJobs: string, queued: string, ownerAll: string, ownerQueued: string],
    ...[expiring: string, queuedCost: string, queuedSizes: string, outbox: string],
  ],
  {
    id: string;
    max_queued: number;
    max_owner_queued: number;
    max_owner_jobs: number;
    /** In ms. */
    expires_at?: number;
    /** Keys of the pictures that the job shares with others. */
    pictures: readonly string[];
  } & PictureArguments,
  Creation
>(join(LUA, "create-job.lua"));

export const changeJob = new LuaScript<
  [job: string, expiring: string, queuedCost: string, queuedSizes: string, outbox: string],
  {
    id: string;
    from: readonly JobStatus[];
    to?: JobStatus;
    attempt_id?: string;
    revision?: number;
    /** Apply to a job that is queued again. */
    max_queued?: number;
    max_owner_queued?: number;
    never_expires?: boolean;
    /** The job uses its pictures no more. */
    release_pictures?: boolean;
    /** Applies unless the job has a time of expiry: in ms, and as the field's JSON text. */
    default_expiry?: { ms: number; json: string };
    channel: string;
    status_prefix: string;
    owner_prefix: string;
  } & PictureArguments,
  Change
>(join(LUA, "change-job.lua"));

export const removeJob = new LuaScript<
  [job: string, allJobs: string, expiring: string],
  {
    id: string;
    from: readonly JobStatus[];
    status_prefix: string;
    owner_prefix: string;
    job_prefix: string;
    batch_prefix: string;
  } & PictureArguments,
  string[]
>(join(LUA, "remove-job.lua"));

export const removeUnreadable = new LuaScript<
  [job: string, allJobs: string, expiring: string, queuedSizes: string, unreadable: string],
  { id: string; statuses: readonly JobStatus[]; status_prefix: string; owner_prefix: string },
  number
>(join(LUA, "remove-unreadable.lua"));

export const appendDelivery = new LuaScript<[job: string], { keep: number }, number>(
  join(LUA, "append-delivery.lua"),
);
