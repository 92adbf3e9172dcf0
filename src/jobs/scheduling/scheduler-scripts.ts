import { join } from "node:path";
import { LuaScript } from "../../redis/lua-script.ts";

const LUA = join(import.meta.dirname, "lua");

export const assignScore = new LuaScript<
  [places: string, bullmqJob: string, ownerOrder: string, arrivals: string],
  { id: string; priority: number; unplaced_priority: number },
  0 | 1
>(join(LUA, "assign-score.lua"));

export const leaveOwnerOrder = new LuaScript<[places: string, ownerOrder: string], { id: string }, 0 | 1>(
  join(LUA, "leave-owner-order.lua"),
);

export const readQueuePositions = new LuaScript<
  [first: string, places: string, queued: string, queuedCost: string],
  { job_prefix: string },
  [position: number, cost: number, revision: number][]
>(join(LUA, "read-queue-positions.lua"));

export const findLost = new LuaScript<
  [status: string],
  { bullmq_prefix: string; from: number; to: number },
  string[]
>(join(LUA, "find-lost.lua"));

export const promoteFirstMatching = new LuaScript<
  [first: string, places: string, queuedSizes: string],
  { largest_size: number },
  0 | 1
>(join(LUA, "promote-first-matching.lua"));
