import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ROOT } from "../src/root.ts";

const reportSchema = z.object({ redis_server: z.string() });

/** The path of the redis-server that set-up found or downloaded; without set-up, the one on PATH. */
export async function redisServerPath(): Promise<string> {
  const text = await readFile(join(ROOT, "build/setup.json"), "utf8").catch(() => undefined);
  return text === undefined ? "redis-server" : reportSchema.parse(JSON.parse(text)).redis_server;
}
