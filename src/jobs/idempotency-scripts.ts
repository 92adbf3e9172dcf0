import { join } from "node:path";
import { LuaScript } from "../redis/lua-script.ts";

const LUA = join(import.meta.dirname, "lua");

export const rememberKey = new LuaScript<
  [entry: string, owned: string],
  { entry: string; keep_seconds: number; max_keys: number },
  string
>(join(LUA, "remember-idempotency-key.lua"));

export const renewLock = new LuaScript<[lock: string], { token: string; lock_ms: number }, 0 | 1>(
  join(LUA, "renew-idempotency-lock.lua"),
);

export const endRequest = new LuaScript<
  [entry: string, lock: string, owned: string],
  {
    token: string;
    /** `failed`: the effect of the request is unknown. */
    outcome: "answered" | "rejected" | "failed";
    entry?: string;
    keep_seconds?: number;
  },
  0 | 1
>(join(LUA, "end-idempotent-request.lua"));
