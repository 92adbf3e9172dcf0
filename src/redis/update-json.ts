import { join } from "node:path";
import type { Redis } from "ioredis";
import type { z } from "zod";
import { LuaScript } from "./lua-script.ts";

const compareAndSet = new LuaScript<[key: string], object, 0 | 1>(
  join(import.meta.dirname, "lua", "compare-and-set.lua"),
);

/**
 * Replaces a JSON value by what `update` makes of it. If another process changes it in between, `update` gets the changed value:
 * no change is lost. Returns the value that is stored then; null, and changes nothing, if there is none or `update` returns null.
 */
export async function updateJson<Value>(
  redis: Redis,
  key: string,
  schema: z.ZodType<Value>,
  update: (value: Value) => Value | null,
): Promise<Value | null> {
  for (;;) {
    const text = await redis.get(key);
    if (text === null) return null;
    const updated = update(schema.parse(JSON.parse(text)));
    if (updated === null) return null;
    if ((await compareAndSet.run(redis, [key], {}, [text, JSON.stringify(updated)])) === 1) return updated;
  }
}
